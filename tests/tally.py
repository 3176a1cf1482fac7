#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Counts test cases: tally.py FILE... prints "passed failed skipped" over meson's testlog.json and
pytest's junit.xml files. A file that is missing or holds no test counts as one failure."""

import json
import re
import sys
import xml.etree.ElementTree

# What a Criterion program says at its end: it holds many cases, which meson takes for one.
SYNTHESIS = re.compile(r"Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| Crashing: (\d+)")


def meson(path):
    passed = failed = skipped = 0
    with open(path, encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            result = test["result"]
            if result in ("SKIP", "IGNORED"):
                skipped += 1
                continue
            found = SYNTHESIS.search(test.get("stderr", "") + test.get("stdout", ""))
            tested, ok, bad, crashed = map(int, found.groups()) if found else (0, 0, 0, 0)
            good = result in ("OK", "EXPECTEDFAIL")
            if not found:
                passed += good
                failed += not good
            else:
                passed += ok
                # A program that fails without a failing case (a sanitizer's report) failed once.
                failed += bad + crashed if good or bad + crashed else 1
    return passed, failed, skipped


def junit(path):
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def tally(path):
    try:
        counts = junit(path) if path.endswith(".xml") else meson(path)
    except (OSError, ValueError, KeyError, xml.etree.ElementTree.ParseError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 0, 1, 0
    return counts if sum(counts) else (0, 1, 0)


print(*map(sum, zip((0, 0, 0), *map(tally, sys.argv[1:]))))
