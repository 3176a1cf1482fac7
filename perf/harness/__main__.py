# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""./dev perf: runs the levels, writes the report; compares two runs; renders a stored one again."""

import argparse
import os
import pathlib
import sys
import time

from harness import (compare, level_abuse, level_bench, level_control, level_whole, machine, plan,
                     report, results, servers, targets)
from harness.context import Context

LEVELS = {"pure": level_bench.pure, "port": level_bench.port, "xdp": level_bench.xdp,
          "whole": level_whole.whole, "control": level_control.control,
          "abuse": level_abuse.abuse}
TAKES_ROOT = ("xdp", "whole", "control", "abuse")


def arguments(argv):
    parser = argparse.ArgumentParser(prog="./dev perf", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="measure, and write perf/results/<time>/")
    mode = run.add_mutually_exclusive_group()
    mode.add_argument("--quick", action="store_const", dest="mode", const="quick", default="full",
                      help="three minutes at most")
    mode.add_argument("--smoke", action="store_const", dest="mode", const="smoke",
                      help="only see that all works")
    run.add_argument("--only", default=",".join(LEVELS), metavar="LEVEL,...",
                     help="of " + ", ".join(LEVELS))
    run.add_argument("--server", type=pathlib.Path, action="append", default=[], metavar="FILE",
                     help="one more server: a Python file with its class (perf/README.md)")
    run.add_argument("--out", type=pathlib.Path, help="the folder to write to")
    two = commands.add_parser("compare", help="what changed beyond the noise")
    two.add_argument("--all", action="store_true", help="show what did not change too")
    two.add_argument("a", type=pathlib.Path)
    two.add_argument("b", type=pathlib.Path)
    again = commands.add_parser("render", help="draw the report of a results.json again")
    again.add_argument("results", type=pathlib.Path)
    options = parser.parse_args(argv)
    if options.command == "run":
        options.only = options.only.split(",")
        if unknown := [level for level in options.only if level not in LEVELS]:
            parser.error(f"there is no level {unknown[0]}; there are: {', '.join(LEVELS)}.")
    return options


def _level(name):
    if name in TAKES_ROOT and os.geteuid() != 0:
        return lambda context: context.missing("everything",
                                               "it makes network namespaces: sudo ./dev perf")
    return LEVELS[name]


def run(options, argv):
    build = pathlib.Path(os.environ.get("TURNPIKE_BUILD", machine.REPOSITORY / "build-perf"))
    build = build.resolve()
    out = options.out or (machine.REPOSITORY / "perf/results" /
                          time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime()))
    for file in options.server:
        servers.add(file)
    out.mkdir(parents=True, exist_ok=True)
    chosen = plan.MODES[options.mode]
    found = results.Results(options.mode, argv, machine.machine(), machine.versions(build))
    context = Context(build, chosen, found)
    times = machine.processor_times()
    shares = sum(plan.SHARES[v] for v in options.only)
    for level in options.only:
        # What earlier levels left is shared by the later ones.
        context.run_level(level, plan.SHARES[level], shares, _level(level))
        shares -= plan.SHARES[level]
        found.write(out / "results.json")  # what there is, should the next one end it
    found.document["machine"].update(machine.meanwhile(times))
    found.document["targets"] = targets.judge(found.document)
    report.write(found.document, out)
    found.write(out / "results.json")
    print(report.summary(found.document))
    print(f"{out}/report.html, results.json and {len(list(out.glob('*.svg')))} charts")


def main(argv):
    options = arguments(argv)
    try:
        if options.command == "compare":
            print(compare.text(results.read(options.a), results.read(options.b), options.all))
        elif options.command == "render":
            stored = results.read(options.results)
            stored["targets"] = targets.judge(stored)
            report.write(stored, options.results.parent)
            print(options.results.parent / "report.html")
        else:
            run(options, argv[1:])
    except results.Unreadable as error:
        sys.exit(f"perf: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
