# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""A run's time: handed down to levels and their parts, never exceeded by what is not begun."""

import subprocess

import pytest

import document
from harness.context import Context
from harness.programs import Unmeasured


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def context(clock):
    return Context(None, {"seconds": 100}, document.results_of(), quiet=True, clock=clock)


def level(context, clock, *parts):
    """Parts of (weight, seconds that it takes): what each was given."""
    given = []

    def take(seconds):
        given.append(context.left())
        clock.now += seconds

    context.run_level("pure", 1, 1, lambda c: c.parts(
        *((f"part {n}", weight, take, seconds) for n, (weight, seconds) in enumerate(parts))))
    return given


def test_what_a_part_leaves_is_shared_by_those_behind_it(context, clock):
    assert level(context, clock, (1, 10), (2, 60), (1, 0)) == pytest.approx([25, 60, 30])


def test_a_part_that_takes_too_long_costs_those_behind_it(context, clock):
    assert level(context, clock, (1, 90), (1, 0)) == pytest.approx([50, 10])


def test_what_has_no_time_left_is_missing_with_a_reason(context, clock):
    assert level(context, clock, (1, 200), (1, 0)) == pytest.approx([50])
    assert context.results.document["missing"] == [
        {"level": "pure", "what": "part 1", "reason": "the level's time was over."}]


def test_a_level_has_its_share_of_what_the_run_has_left(context, clock):
    given = []
    for weight, weights in ((1, 4), (3, 3)):
        context.run_level("pure", weight, weights, lambda c: given.append(c.left()))
        clock.now += 5
    assert given == pytest.approx([25, 95])


def test_a_part_never_has_more_than_what_it_is_part_of(context):
    context.run_level("pure", 1, 2, lambda c: c.within(
        1000, lambda: context.figure("left", "s", "more", [context.left()])))
    assert context.results.document["figures"][0]["median"] == 50


def test_what_can_not_be_measured_is_missing_and_the_rest_goes_on(context):
    def fail():
        raise Unmeasured("it rains.")

    context.run_level("xdp", 1, 1, lambda c: c.parts(
        ("sun", 1, fail), ("moon", 1, lambda: context.figure("moon", "s", "more", [1]))))
    assert context.results.document["missing"] == [
        {"level": "xdp", "what": "sun", "reason": "it rains."}]
    assert [f["what"] for f in context.results.document["figures"]] == ["moon"]


@pytest.mark.parametrize("error, said", [
    (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
    (subprocess.CalledProcessError(1, ["ip"]),
     "CalledProcessError: Command '['ip']' returned non-zero exit status 1.")])
def test_a_program_that_fails_costs_its_part_and_not_the_run(context, error, said):
    def fail():
        raise error

    context.run_level("control", 1, 1, lambda c: c.parts(
        ("a", 1, fail), ("b", 1, lambda: context.figure("b", "s", "more", [1]))))
    assert context.results.document["missing"] == [{"level": "control", "what": "a", "reason": said}]
    assert [f["what"] for f in context.results.document["figures"]] == ["b"]


def test_fewer_rounds_than_asked_are_told_and_as_many_are_not(context):
    context.run_level("xdp", 1, 1, lambda c: (c.shortened("rounds", 10, 4), c.shortened("trials", 3, 3)))
    assert context.results.document["shortened"] == [
        {"level": "xdp", "what": "rounds", "asked": 10, "done": 4}]
