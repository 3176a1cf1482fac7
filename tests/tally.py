#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Reads what suites left behind: meson's testlog.json and pytest's junit.xml files.

tally.py FILE...           prints "passed failed skipped"; a file that is missing or holds no test counts
                           as one failure
tally.py --failed FILE...  prints what failed, and what passed on its second try, with what was said: the
                           end of a long log is often all that is kept of it
tally.py --again FILE      prints the names of meson's tests that failed, for a second try

A second try's log is appended to the first's: the last word on a test counts.
"""

import json
import re
import sys
import xml.etree.ElementTree

# What a Criterion program says at its end: it holds many cases, which meson takes for one.
SYNTHESIS = re.compile(r"Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| Crashing: (\d+)")
# Its lines about cases that did not pass.
CASE = re.compile(r"^\[(----|FAIL|CRASH|.*\d+m----|.*\d+mFAIL|.*\d+mCRASH)", re.MULTILINE)
LINES = 40  # of what a failed test said


def rows(path):
    """A list of what was said about each test, by its name."""
    tests = {}
    with open(path, encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            tests.setdefault(test["name"], []).append(test)
    return tests


def good(test):
    return test["result"] in ("OK", "EXPECTEDFAIL", "SKIP", "IGNORED")


def said(test):
    return test.get("stdout", "") + test.get("stderr", "")


def meson(path):
    passed = failed = skipped = 0
    for test in (tries[-1] for tries in rows(path).values()):
        if test["result"] in ("SKIP", "IGNORED"):
            skipped += 1
            continue
        found = SYNTHESIS.search(said(test))
        if not found:
            passed += good(test)
            failed += not good(test)
        else:
            _, ok, bad, crashed = map(int, found.groups())
            passed += ok
            # A program that fails without a failing case (a sanitizer's report) failed once.
            failed += bad + crashed if good(test) or bad + crashed else 1
    return passed, failed, skipped


def cases(path):
    return xml.etree.ElementTree.parse(path).iter("testcase")


def junit(path):
    passed = failed = skipped = 0
    for case in cases(path):
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


def tell(what, name, text):
    lines = text.rstrip().splitlines()
    print(f"{what} {name}", *(f"    {line}" for line in lines[-LINES:]), sep="\n")


def tell_failed(path):
    try:
        if path.endswith(".xml"):
            for case in cases(path):
                for kind in ("failure", "error"):
                    if (what := case.find(kind)) is not None:
                        tell("FAILED", f"{case.get('classname')}.{case.get('name')}", what.text or "")
            return
        for name, tries in rows(path).items():
            for test in tries:
                if not good(test):
                    lines = [line for line in said(test).splitlines() if CASE.match(line)]
                    tell("UNSTEADY" if good(tries[-1]) else "FAILED", f"{name} ({test['result']})",
                         "\n".join(lines) or said(test))
    except (OSError, ValueError, KeyError, xml.etree.ElementTree.ParseError) as error:
        tell("FAILED", path, str(error))


def main(arguments):
    if arguments[:1] == ["--failed"]:
        for path in arguments[1:]:
            tell_failed(path)
    elif arguments[:1] == ["--again"]:
        for name, tries in rows(arguments[1]).items():
            if not good(tries[-1]):
                print(name.split(" / ")[-1])  # "project:suite / name"
    else:
        print(*map(sum, zip((0, 0, 0), *map(tally, arguments))))


main(sys.argv[1:])
