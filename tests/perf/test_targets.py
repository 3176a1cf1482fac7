# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Targets: reached, missed, or not measured, and nothing between."""

import pytest

import document
from harness import report, targets


def judged(what, **values):
    """The row of a target in a document with these figures: [level, what, unit, values, labels]."""
    made = document.results_of()
    for level, name, found, labels in values["figures"]:
        made.figure(level, name, "unit", "less", found, **labels)
    return next(row for row in targets.judge(made.document) if row["what"] == what)


def frame(*ways):
    return [("pure", way, found, {"bench": "frame_bench", "burst": 32, "flows": 1000})
            for way, found in ways]


FRAME = "whole frame without I/O, 1,000 allocations"


@pytest.mark.parametrize("values, verdict, doubtful", [
    ([17, 17.5, 18], "reached", False), ([17, 17.5, 19], "reached", True),
    ([18.5, 19, 20], "missed", False), ([17, 19, 20], "missed", True), ([18], "reached", False)])
def test_the_median_decides_and_the_spread_is_told(values, verdict, doubtful):
    row = judged(FRAME, figures=frame(("client to peer", values), ("peer to client", [1])))
    assert (row["verdict"], row["doubtful"]) == (verdict, doubtful)
    assert row["median"] == sorted(values)[len(values) // 2]


def test_the_worst_way_counts():
    row = judged(FRAME, figures=frame(("client to peer", [10]), ("peer to client", [30])))
    assert (row["verdict"], row["median"]) == ("missed", 30)


def test_a_part_that_was_not_measured_leaves_the_target_open():
    row = judged(FRAME, figures=frame(("client to peer", [10])))
    assert (row["verdict"], row["median"]) == ("not measured", None)


def test_where_more_is_better_the_least_counts():
    figures = [("xdp", f"{way}, {size} bytes", [0.9 if size > 64 else 0.7],
                {"side": "ratio", "flows": 1000})
               for way in targets.WAYS for size in (64, 250, 1250)]
    row = judged("of a bare XDP_TX, 1,000 allocations", figures=figures)
    assert (row["verdict"], row["median"]) == ("missed", 0.7)


def test_live_frames_are_compared_with_coturn_in_the_same_direction():
    figures = [("xdp", "client to peer, 250 bytes", [400, 500, 800], {"side": "relay", "flows": 1000}),
               ("whole", "0.5 % drop rate", [90e3, 100e3, 125e3],
                {"server": "coturn", "bytes": "160", "direction": "to-peer"}),
               ("whole", "0.5 % drop rate", [1e3], {"server": "coturn", "bytes": "160",
                                                    "direction": "to-client"})]
    row = judged("live frames, of what coturn relays, client to peer", figures=figures)
    assert row["median"] == pytest.approx(2e6 / 100e3) and row["verdict"] == "reached"
    assert row["low"] == pytest.approx(1.25e6 / 125e3) and row["high"] == pytest.approx(2.5e6 / 90e3)
    assert row["doubtful"]


@pytest.mark.parametrize("bare, note", [
    (100, ""), (800, "beyond this machine: a bare XDP_TX program itself reaches 12.50 times what coturn relays")])
def test_where_a_bare_program_ends_before_the_target_the_target_says_so(bare, note):
    figures = [("xdp", "peer to client, 250 bytes", [ns], {"side": side, "flows": 1000})
               for side, ns in (("relay", 1000), ("bare", bare))]
    figures.append(("whole", "0.5 % drop rate", [100e3], {"server": "coturn", "bytes": "160",
                                                          "direction": "to-client"}))
    row = judged("live frames, of what coturn relays, peer to client", figures=figures)
    assert (row["median"], row["verdict"], row["note"]) == (pytest.approx(10), "missed", note)
    made = document.results_of()
    made.document["targets"] = [row]
    assert (note in report.page(made.document, []) and note in report.summary(made.document)) if note else True


def test_a_server_that_relays_nothing_is_no_measure():
    figures = [("xdp", "client to peer, 250 bytes", [400], {"side": "relay", "flows": 1000}),
               ("whole", "0.5 % drop rate", [0], {"server": "coturn", "bytes": "160",
                                                  "direction": "both"})]
    row = judged("live frames, of what coturn relays, client to peer", figures=figures)
    assert row["verdict"] == "not measured"


def test_page_and_summary_say_missed():
    made = document.results_of()
    for name in ("client to peer", "peer to client"):
        made.figure("pure", name, "ns/packet", "less", [30], bench="frame_bench", burst=32, flows=1000)
    made.document["targets"] = targets.judge(made.document)
    assert "<tr class=missed>" in report.page(made.document, [])
    line = next(line for line in report.summary(made.document).splitlines() if FRAME in line)
    assert line.split()[0] == "missed" and "30.00 ns/packet" in line
