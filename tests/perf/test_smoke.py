# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Every level once, however slow: what it measures is not judged."""

import json
import os
import subprocess

import pytest

from conftest import REPOSITORY


@pytest.mark.skipif(os.geteuid() != 0, reason="it makes network namespaces")
def test_every_level_finds_figures_and_writes_a_report(tmp_path):
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "harness", "run", "--smoke", "--out", tmp_path], check=False,
        env={"TURNPIKE_BUILD": str(REPOSITORY / "build"), **os.environ,
             "PYTHONPATH": str(REPOSITORY / "perf")},
        capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "results.json").read_text())
    levels = {f["level"] for f in found["figures"]}
    assert levels == {"pure", "port", "xdp", "whole", "control", "abuse"}, found["missing"]
    servers = {f["labels"].get("server") for f in found["figures"] if f["level"] == "whole"}
    assert servers >= {"turnpike sockets", "turnpike xdp", "turnpike dpdk"}, found["missing"]
    assert (tmp_path / "report.html").stat().st_size > 10000
