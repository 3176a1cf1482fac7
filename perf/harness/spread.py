# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What a handful of noisy values says: a median, and the interval where it really may be."""

import math
import statistics

ALONE = 0.10  # of a single value: what it may be off by, for want of a second
COVERAGE = 0.95


def median(values):
    return statistics.median(values)


def interval(values):
    """Where the median of what was sampled lies, by order statistics (no distribution assumed): with
    fewer than six values all of the range, else the narrowest that covers it with 95 %."""
    values = sorted(values)
    n = len(values)
    if n == 1:
        margin = abs(values[0]) * ALONE
        return values[0] - margin, values[0] + margin
    cut = 0
    # Of the n + 1 gaps between values, the median is in one of the outer k with 2 * P(X < k).
    tail = 0.0
    for k in range(n // 2):
        tail += math.comb(n, k) / 2 ** n
        if 2 * tail > 1 - COVERAGE:
            break
        cut = k
    return values[cut], values[n - 1 - cut]


def summary(values):
    """{median, low, high} of what was measured."""
    return {"median": median(values), "low": min(values), "high": max(values)}


def slope(points):
    """Least squares through (x, y): (slope, y at 0)."""
    n = len(points)
    mean_x = sum(x for x, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    across = sum((x - mean_x) ** 2 for x, _ in points)
    if not across:
        raise ValueError("a slope takes two different x")
    rise = sum((x - mean_x) * (y - mean_y) for x, y in points) / across
    return rise, mean_y - rise * mean_x


def plain(value):
    """A number that somebody chose: 1.15, 500,000."""
    return f"{value:,}"


def number(value):
    """For people: four digits that count, and no exponent."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 4)}f}"
