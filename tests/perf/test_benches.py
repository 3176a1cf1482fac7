# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What benches promise the harness (perf/bench/figure.h)."""

import json
import os
import pathlib
import subprocess

import pytest

import document
from conftest import REPOSITORY
from harness import level_bench
from harness.context import Context

BENCH = pathlib.Path(os.environ.get("TURNPIKE_BUILD", REPOSITORY / "build")) / "perf/bench/stun_bench"


def rounds(*arguments):
    done = subprocess.run([BENCH, "--json", *arguments], capture_output=True, text=True, check=True,
                          timeout=100)
    return {len(figure["values"]) for figure in json.loads(done.stdout)}


@pytest.mark.skipif(not BENCH.exists(), reason="stun_bench is not built")
def test_a_bench_makes_all_rounds_or_those_that_fit_and_one_in_any_case():
    assert rounds("--rounds", "2") == {2}
    assert rounds("--rounds", "2", "--seconds", "90") == {2}
    assert rounds("--rounds", "50", "--seconds", "0.001") == {1}


@pytest.mark.parametrize("said, missing, shortened", [
    ("[]", [("ring", "fake_bench came to no round in its time.")], []),
    ('[{"what": "a", "unit": "ns", "better": "less", "values": [1]}]', [], [("rounds of fake_bench", 3, 1)])])
def test_a_bench_without_a_round_is_missing_and_one_with_fewer_is_told(tmp_path, said, missing, shortened):
    bench = tmp_path / "perf/bench/fake_bench"
    bench.parent.mkdir(parents=True)
    bench.write_text(f"#!/bin/sh\necho '{said}'\n")
    bench.chmod(0o700)
    context = Context(tmp_path, {"seconds": 100, "rounds": 3}, document.results_of(), quiet=True)
    context.run_level("pure", 1, 1, lambda c: c.parts(("ring", 1, level_bench._bench, c, "fake_bench")))
    found = context.results.document
    assert [(m["what"], m["reason"]) for m in found["missing"]] == missing
    assert [(s["what"], s["asked"], s["done"]) for s in found["shortened"]] == shortened


def test_what_fills_the_largest_tables_comes_when_all_else_has_had_its_time(monkeypatch):
    asked = []
    monkeypatch.setattr(level_bench, "_bench", lambda context, name, *more, **labels: asked.append((name, more)))
    monkeypatch.setattr(level_bench.machine, "available_memory", lambda: 1 << 40)
    context = Context(None, {"seconds": 100, "rounds": 1, "flows": [1000, 1000000, 10000000], "bursts": [1, 32],
                             "allocations": 1000}, document.results_of(), quiet=True)
    context.run_level("pure", 1, 1, level_bench.pure)
    assert [name for name, _ in asked] == [
        "stun_bench", "ring_bench", "relay_bench", "frame_bench", "apply_bench", "control_bench", "relay_bench",
        "frame_bench", "relay_bench", "frame_bench"]
    assert [more for name, more in asked if name == "frame_bench"] == [
        ("--flows", "1000,1000000", "--bursts", "32"), ("--flows", "1000,1000000", "--bursts", "1"),
        ("--flows", "10000000", "--bursts", "32")]
