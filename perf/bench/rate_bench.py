#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Packets a second that whole servers relay each way: XDP and sockets beside coturn, with the same allocations.

The servers, the wire and the generator are the harness's (perf/harness/): a veth pair for each server, one
turngun with one CPU, which makes the allocations by the protocol and sends as much as it can; the server has
the other CPU. They take turns of one trial; the one in turn runs, the others are stopped; the first round warms
up. A ratio is of trials next to each other. Where nothing of what was offered is lost, the generator was the
limit: the ratio is then "at least".

    rate_bench.py [--json] [--rounds N] [--seconds S] [--clients N]
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TURNPIKE_BUILD", REPOSITORY / "build-perf")).resolve()
sys.path.insert(0, str(REPOSITORY / "perf"))

from harness import servers, turngun  # noqa: E402

WAYS = ("to-peer", "to-client")


class OneWorker(servers.Turnpike):
    """As coturn has one thread that relays."""

    def configuration(self):
        return {**super().configuration(), "workers": 1}


KINDS = (servers.TurnpikeXdp, OneWorker, servers.Coturn)


def stand(stack, kind, clients):
    server = kind(BUILD, 2 * clients)
    stack.callback(server.close)
    server.start()
    session = turngun.Session(BUILD, server.wire, clients)
    stack.callback(session.close)
    stack.callback(server.go_on)  # first: no session ends with a stopped server
    server.pause()
    return server, session


def trial(side, seconds, way):
    server, session = side
    server.go_on()
    total = session.trial(seconds, None, direction=way)["load"]["total"]
    server.pause()
    return {"pps": total["received_pps"], "loss": turngun.lost_share({"load": {"total": total}})}


def measure(options):
    found = {way: {kind.name: [] for kind in KINDS} for way in WAYS}
    with contextlib.ExitStack() as stack:
        sides = {kind.name: stand(stack, kind, options.clients) for kind in KINDS}
        for way in WAYS:
            for number in range(options.rounds + 1):
                for name, side in sides.items():
                    one = trial(side, options.seconds, way)
                    if number:
                        found[way][name].append(one)
    return found


def report(found):
    for way, each in found.items():
        for name, trials in each.items():
            ratio = statistics.median(a["pps"] / b["pps"] for a, b in zip(trials, each["coturn"]) if b["pps"])
            loss = statistics.median(t["loss"] for t in trials)
            print(f"{way:10} {name:17} {statistics.median(t['pps'] for t in trials):12,.0f} packets/s, "
                  f"{loss:5.1%} of what was offered lost, "
                  f"{'at least ' if loss < 0.001 else ''}{ratio:.2f} of coturn's")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--clients", type=int, default=1000)
    options = parser.parse_args()
    for kind in KINDS:
        if why := kind.unavailable(BUILD):
            parser.error(why)
    found = measure(options)
    if options.json:
        print(json.dumps(found))
    else:
        report(found)


if __name__ == "__main__":
    main()
