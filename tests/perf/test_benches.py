# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What benches promise the harness (perf/bench/figure.h)."""

import json
import os
import pathlib
import subprocess

import pytest

from conftest import REPOSITORY

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
