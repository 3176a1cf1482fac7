# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Medians, and the intervals that tell a change from noise."""

import random
import statistics

import pytest

from harness import spread


def test_few_values_may_be_anywhere_in_their_range():
    assert spread.interval([3, 1, 2]) == (1, 3)
    assert spread.interval([5, 4, 3, 2, 1]) == (1, 5)


def test_one_value_alone_may_be_off_by_a_tenth():
    assert spread.interval([200.0]) == (180.0, 220.0)


def test_the_interval_is_the_one_of_the_binomial_distribution():
    # n = 10: P(X <= 1) = 11/1024, so the second and the ninth cover with 97.9 %; n = 20: 6th and 15th.
    assert spread.interval(range(1, 11)) == (2, 9)
    assert spread.interval(range(1, 21)) == (6, 15)


def test_intervals_cover_the_true_median_as_often_as_they_say():
    draw = random.Random(1)
    covered = 0
    for _ in range(2000):
        low, high = spread.interval([draw.expovariate(1) for _ in range(11)])
        covered += low <= statistics.median([0.6931, 0.6931]) <= high
    assert covered / 2000 >= 0.95


def test_a_slope_is_exact_on_a_line_and_takes_two_places():
    assert spread.slope([(1000, 5e6 + 1000 * 60), (5000, 5e6 + 5000 * 60)]) == pytest.approx((60, 5e6))
    with pytest.raises(ValueError):
        spread.slope([(1, 1), (1, 2)])


@pytest.mark.parametrize("value, text", [(0, "0"), (1234567.8, "1,234,568"), (12.3456, "12.35"),
                                         (0.0123456, "0.0123"), (None, "–")])
def test_numbers_have_four_digits_that_count(value, text):
    assert spread.number(value) == text
