# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The search against a simulated server whose knee is known."""

import random

import pytest

from harness.search import Search

CEILING = 20e6


class Simulated:
    """Relays up to its knee; beyond, it loses what is too much, and below, what the machine's gaps
    take from a trial now and then."""

    def __init__(self, knee, gap_share=0.0, gap_loss=0.01, always=0.0, seed=1):
        self.knee, self.gap_share, self.gap_loss, self.always = knee, gap_share, gap_loss, always
        self.random = random.Random(seed)
        self.trials = 0

    def loss(self, rate):
        self.trials += 1
        lost = max(0.0, 1 - self.knee / rate) + self.always
        if self.random.random() < self.gap_share:
            lost += self.gap_loss
        return lost


def run(search, server, most=200):
    while (rate := search.next()) is not None:
        search.record(rate, server.loss(rate))
        assert server.trials <= most, "the search has no end"
    return search.found()


@pytest.mark.parametrize("knee", [1500, 30_000, 261_803, 8_000_000])
@pytest.mark.parametrize("start", [2000, 50_000, 15_000_000])
def test_without_noise_it_finds_the_knee_within_its_width(knee, start):
    found = run(Search(0, start, CEILING, width=0.02), Simulated(knee))
    assert knee / 1.02 <= found <= knee


def test_the_partial_drop_rate_is_above_the_knee_by_its_loss():
    found = run(Search(0.005, 50_000, CEILING, width=0.001), Simulated(100_000))
    assert 100_000 / 0.995 / 1.001 <= found <= 100_000 / 0.995


@pytest.mark.parametrize("seed", range(20))
def test_a_trial_of_ten_that_the_machine_spoils_does_not_move_it_far(seed):
    found = run(Search(0, 50_000, CEILING, width=0.05),
                Simulated(200_000, gap_share=0.1, seed=seed))
    assert 200_000 * 0.75 <= found <= 200_000


def test_noise_never_raises_it_above_the_knee():
    for seed in range(50):
        assert run(Search(0, 300_000, CEILING), Simulated(200_000, gap_share=0.3, seed=seed)) <= 200_000


def test_a_server_that_always_loses_a_little_has_a_partial_drop_rate_but_no_other():
    server = Simulated(100_000, always=0.001)
    assert run(Search(0, 50_000, CEILING), server) == 0
    assert run(Search(0.005, 50_000, CEILING), server) > 90_000


@pytest.mark.parametrize("off", [0.93, 0.97, 1.0, 1.03])
def test_one_that_begins_near_the_knee_takes_a_handful_of_trials(off):
    server = Simulated(200_000)
    found = run(Search(0, 200_000 * off, CEILING, width=0.05, step=1.0495), server, most=7)
    assert 200_000 / 1.05 <= found <= 200_000


@pytest.mark.parametrize("knee", [20_000, 900_000])
def test_one_that_begins_with_short_steps_far_from_the_knee_finds_it_too(knee):
    found = run(Search(0, 200_000, CEILING, width=0.05, step=1.0495), Simulated(knee), most=25)
    assert knee / 1.05 <= found <= knee


def test_a_loss_that_no_noise_makes_is_not_tried_twice():
    search = Search(0, 100_000, CEILING)
    search.record(100_000, 0.01)
    assert search.next() == 100_000
    search = Search(0, 100_000, CEILING)
    search.record(100_000, 0.5)
    assert search.next() == 50_000


def test_what_never_loses_is_found_at_the_ceiling():
    assert run(Search(0, 50_000, 1e6), Simulated(1e9)) == 1e6


def test_what_is_found_has_passed_twice():
    search = Search(0, 50_000, CEILING)
    run(search, Simulated(123_456, gap_share=0.2, seed=5))
    assert search.tried[search.found()][0] >= 2


def test_trials_of_another_search_count():
    server, first, second = Simulated(100_000), Search(0, 50_000, CEILING), Search(0.005, 50_000, CEILING)
    while (rate := first.next()) is not None:
        loss = server.loss(rate)
        first.record(rate, loss)
        second.record(rate, loss)
    before = server.trials
    assert 100_000 / 1.05 <= run(second, server) <= 100_000 / 0.995
    assert server.trials - before <= 4
