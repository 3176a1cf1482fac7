# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What of a trial counts as lost."""

import pytest

from harness.turngun import QUEUED_SECONDS, lost_share


def trial(offered=100_000, seconds=0.5, **more):
    """By default all came, at once."""
    total = {"offered": offered, "lost": 0, "unsent": 0, "received": offered,
             "received_pps": offered / seconds, **more}
    return {"load": {"seconds": seconds, "total": total}}


def test_what_the_wire_did_not_take_is_lost_as_what_it_lost():
    assert lost_share(trial()) == 0
    assert lost_share(trial(lost=300, unsent=200, received=99_500, received_pps=199_000)) == pytest.approx(0.005)


def test_what_buffers_hold_at_the_end_is_lost_but_for_a_moments_worth():
    moment = 200_000 * QUEUED_SECONDS
    assert lost_share(trial(received_pps=(100_000 - moment) / 0.5)) == pytest.approx(0)
    # Half of the rate, and all of it came afterwards.
    assert lost_share(trial(received_pps=100_000)) == pytest.approx(0.5 - QUEUED_SECONDS / 0.5)


def test_nothing_offered_is_all_lost():
    assert lost_share(trial(offered=0)) == 1
