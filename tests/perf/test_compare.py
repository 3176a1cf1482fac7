# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What changed beyond the noise, on synthetic results."""

import json

import pytest

import document
from harness import compare, results


def compared(before, after, better="less"):
    a, b = document.results_of(x=before).document, document.results_of(x=after).document
    for d in (a, b):
        d["figures"][0]["better"] = better
    return compare.compare(a, b)[0][0][3]


def test_a_change_beyond_both_spreads_is_told_with_its_direction():
    assert compared([10, 11, 12], [7, 8, 9]) == "better"
    assert compared([10, 11, 12], [14, 15, 16]) == "worse"
    assert compared([10, 11, 12], [14, 15, 16], "more") == "better"
    assert compared([10, 11, 12], [7, 8, 9], "more") == "worse"


def test_spreads_that_overlap_are_noise():
    assert compared([10, 11, 14], [13, 15, 16]) == ""


def test_single_values_must_differ_by_more_than_they_may_be_off():
    assert compared([100], [115]) == ""
    assert compared([100], [130]) == "worse"


def test_less_than_a_hundredth_says_nothing_however_quiet_it_was():
    assert compared([1000, 1000, 1000], [1005, 1005, 1005]) == ""


def test_a_spike_in_a_long_series_is_no_change():
    assert compared([10] * 9 + [90], [10] * 10) == ""


def test_figures_of_one_side_only_and_other_machines_are_named():
    a, b = document.results_of(x=[1], y=[1]), document.results_of(x=[1], z=[1])
    b.document["machine"] = {**document.MACHINE, "cpu": "Other"}
    rows, gone, new, warnings = compare.compare(a.document, b.document)
    assert len(rows) == 1 and gone == ["y (1,000 flows)"] and new == ["z (1,000 flows)"]
    assert warnings == ["cpu differs: Example 9000 and Other."]


def test_the_text_counts_what_changed_and_what_for_the_worse():
    a = document.results_of(x=[10, 11, 12], y=[5, 5, 5], same=[1, 1, 1])
    b = document.results_of(x=[20, 21, 22], y=[4, 4, 4], same=[1, 1, 1])
    text = compare.text(a.document, b.document)
    assert "worse   pure     x (1,000 flows): 11.00 → 21.00 ns/packet (+90.9 %)" in text
    assert "2 of 3 figures changed beyond the noise (1 for the worse)." in text
    assert "same" not in text


@pytest.mark.parametrize("text, said", [("{", "is not JSON."), ('{"schema": "x"}', "is not a document"),
                                        ("[]", "is not a document")])
def test_what_is_no_document_is_refused_with_a_sentence(tmp_path, text, said):
    file = tmp_path / "a.json"
    file.write_text(text)
    with pytest.raises(results.Unreadable, match=said):
        results.read(file)
    with pytest.raises(results.Unreadable, match="No such file"):
        results.read(tmp_path / "none.json")


def test_a_document_names_no_place_of_this_machine():
    made = results.Results("full", ["--out", "/home/me/a/b.json"], document.MACHINE, {}, clock=lambda: 0)
    made.missing("pure", "x", "turnpike: /tmp/turnpike-x/wires/wire0: no such port (2.5 MB/s, 1/2).")
    made.note("seen in /srv/a/")
    assert made.document["arguments"] == ["--out", "b.json"]
    assert made.document["missing"][0]["reason"] == "turnpike: wire0: no such port (2.5 MB/s, 1/2)."
    assert made.document["notes"] == ["seen in "]


def test_a_figure_without_a_value_is_missing_under_its_whole_name():
    made = document.results_of()
    made.figure("whole", "non-drop rate", "packets/s", "more", [], server="coturn", bytes="160")
    assert made.document["figures"] == []
    assert made.document["missing"] == [{"level": "whole", "what": "non-drop rate (coturn, 160)",
                                         "reason": "no value was measured."}]


def test_a_document_is_the_same_after_it_was_kept(tmp_path):
    made = document.whole()
    made.write(tmp_path / "results.json")
    assert results.read(tmp_path / "results.json") == json.loads(json.dumps(made.document))
