# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Figures of the control level, of trials that are made up."""

import pytest

from harness import level_control
from harness.programs import Unmeasured


def trial(sent, lost):
    return {"load": {"total": {"sent": sent, "lost": lost}}}


def test_what_a_death_costs_is_what_was_lost_of_all_that_was_sent():
    assert level_control._cost(trial(80000, 2000), 4) == 0.025
    assert level_control._cost(trial(80000, 0), 4) == 0


def test_calls_that_lost_everything_after_a_death_were_not_back_and_are_no_figure():
    with pytest.raises(Unmeasured, match=r"^calls were not back 3.0 s after the death.$"):
        level_control._cost(trial(80000, 59000), 4)
