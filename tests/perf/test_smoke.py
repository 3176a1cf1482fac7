# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Every level once, however slow: what it measures is not judged."""

import json
import os
import re
import subprocess

import pytest

from conftest import REPOSITORY


@pytest.mark.skipif(os.geteuid() != 0, reason="it makes network namespaces")
def test_every_level_finds_figures_and_writes_a_report(tmp_path):
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "harness", "run", "--smoke", "--out", tmp_path,
         "--server", REPOSITORY / "tests/perf/another_server.py"], check=False,
        env={"TURNPIKE_BUILD": str(REPOSITORY / "build"), **os.environ,
             "PYTHONPATH": str(REPOSITORY / "perf")},
        capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "results.json").read_text())
    levels = {f["level"] for f in found["figures"]}
    assert levels == {"pure", "port", "xdp", "whole", "control", "abuse"}, found["missing"]
    servers = {f["labels"].get("server") for f in found["figures"] if f["level"] == "whole"}
    assert servers >= {"turnpike sockets", "turnpike xdp", "turnpike dpdk", "coturn", "ceiling",
                       "coturn with two threads"}, found["missing"]
    # What a smaller run leaves out, and nothing that a bench calls otherwise by now.
    assert {t["what"] for t in found["targets"] if t["verdict"] == "not measured"} <= {
        t["what"] for t in found["targets"] if "100,000" in t["what"] or "1,000,000" in t["what"]
        or "memory" in t["what"] or "coturn" in t["what"]}
    assert [m["reason"] for m in found["missing"] if m["what"] == "not here"] == ["nobody has it."] * 3
    # On a machine that is busy nothing may pass in two trials, and a death cost more than a short load.
    assert not [m for m in found["missing"] if m["level"] in ("whole", "control", "abuse")
                and not re.search("nobody has it|no value was measured|calls were not back", m["reason"])]
    text = (tmp_path / "results.json").read_text()
    assert str(REPOSITORY) not in text and str(tmp_path) not in text and "/tmp/" not in text
    assert (tmp_path / "report.html").stat().st_size > 10000
