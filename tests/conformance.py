#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""conformance.py BUILD: every test that tests/CONFORMANCE.md names exists, ran and passed.

BUILD is the folder in which ./dev test left the results of its suites. Writes BUILD/conformance.xml, a test
case for each rule, and prints the rules that nothing shows. Exit status: 0 all are shown, 1 some are not.
"""

import json
import pathlib
import re
import sys
import xml.etree.ElementTree as tree

TESTS = pathlib.Path(__file__).resolve().parent
# Each runs the whole table of frames.
RUNNERS = {(TESTS / name).resolve() for name in ("frames/frames_pure.c", "unit/dpdk/frames_test.c",
                                            "unit/kernel/frames_test.c")}
# What a rule without a test has to say for itself.
REASONS = ("Deviation", "operator's", "unused", "no part of", "client's")


def rules(text):
    """(line, section, rule, tests, the last column) of each row of each table."""
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if not line.startswith("|") or len(cells) != 4 or cells[0] in ("section", "---|---|---|---"):
            continue
        yield number, cells[0], cells[1], re.findall(r"`([\w/]+\.\w+::[^`]+)`", cells[3]), line


def exists(test):
    file, name = test.split("::")
    path = TESTS / file
    if not path.exists():
        return False
    if file.startswith("frames/"):
        return f'.name = "{name}"' in path.read_text("utf-8")
    pattern = rf"^def {name}\(" if file.endswith(".py") else \
        rf"\b(?:Test|ParameterizedTest)\([^)]*?\b{name}\b"
    return re.search(pattern, path.read_text("utf-8"), re.M) is not None


def programs_that_passed(build):
    """Source files of tests whose program ended well: a program of Criterion runs all that is in it."""
    passed = set()
    for log in ("unit.json", "race.json", "fuzz.json"):
        if (build / log).exists():
            for line in (build / log).read_text("utf-8").splitlines():
                test = json.loads(line)
                if test["result"] == "OK":
                    passed |= {pathlib.Path(word).name for word in test["command"]}
    targets = json.loads((build / "meson-info/intro-targets.json").read_text("utf-8"))
    return {pathlib.Path(source).resolve() for target in targets
            if target["type"] == "executable" and target["name"] in passed
            for part in target["target_sources"] for source in part.get("sources", ())}


def cases_that_passed(build):
    """file::name of every pytest case that passed in some suite and failed in none."""
    passed, failed = set(), set()
    for file in build.glob("e2e*.xml"):
        for case in tree.parse(file).iter("testcase"):
            path = case.get("classname", "").replace(".", "/").removeprefix("tests/")
            name = f"{path}.py::{case.get('name').split('[')[0]}"
            if case.find("failure") is not None or case.find("error") is not None:
                failed.add(name)
            elif case.find("skipped") is None:
                passed.add(name)
    return passed - failed


def ran(test, file, programs, cases):
    if file.suffix == ".py":
        return test in cases
    return RUNNERS <= programs if file.parent.name == "frames" else file in programs


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    programs, cases = programs_that_passed(build), cases_that_passed(build)
    suite = tree.Element("testsuite", name="conformance")
    missing = count = 0
    for number, section, rule, tests, line in rules((TESTS / "CONFORMANCE.md").read_text("utf-8")):
        count += 1
        said = []
        if not tests and not any(reason in line for reason in REASONS):
            said.append("names no test and gives no reason")
        if re.search(r"\bnot yet\b", line, re.I):
            said.append("says \"not yet\"")
        for test in tests:
            file = (TESTS / test.split("::")[0]).resolve()
            if not exists(test):
                said.append(f"{test} does not exist")
            elif not ran(test, file, programs, cases):
                said.append(f"{test} did not run and pass")
        case = tree.SubElement(suite, "testcase", classname="CONFORMANCE.md", name=f"{section}: {rule}")
        if said:
            tree.SubElement(case, "failure", message="; ".join(said))
            print(f"tests/CONFORMANCE.md:{number}: {section}: {'; '.join(said)}")
        missing += bool(said)
    tree.ElementTree(suite).write(build / "conformance.xml", encoding="utf-8", xml_declaration=True)
    print(f"{count} rules, {count - missing} shown")
    return 1 if missing or not count else 0


if __name__ == "__main__":
    sys.exit(main())
