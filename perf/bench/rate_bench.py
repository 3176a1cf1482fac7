#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Packets a second that whole servers relay each way beside coturn, and the XDP program with live frames:
levels 2 and 3 of the harness (perf/harness/), of one direction at a time, and the targets about coturn.

    rate_bench.py [--json] [--seconds S]
"""

import argparse
import json
import os
import pathlib
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TURNPIKE_BUILD", REPOSITORY / "build-perf")).resolve()
sys.path.insert(0, str(REPOSITORY / "perf"))

from harness import level_bench, level_whole, machine, plan, report, results, targets  # noqa: E402
from harness.context import Context  # noqa: E402

LEVELS = (("xdp", 1, level_bench.xdp), ("whole", 3, level_whole.whole))


def measure(seconds):
    full = plan.MODES["full"]
    ways = [case for case in full["cases"] if case["direction"] != "both"]
    found = results.Results("rate", sys.argv[1:], machine.machine(), machine.versions(BUILD))
    context = Context(BUILD, {**full, "seconds": seconds, "cases": ways}, found)
    weights = sum(weight for _, weight, _ in LEVELS)
    for name, weight, level in LEVELS:
        context.run_level(name, weight, weights, level)
        weights -= weight
    found.document["targets"] = [row for row in targets.judge(found.document) if "coturn" in row["what"]]
    return found.document


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=240)
    options = parser.parse_args()
    document = measure(options.seconds)
    print(json.dumps(document) if options.json else report.summary(document))


if __name__ == "__main__":
    main()
