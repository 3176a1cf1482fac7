#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""./dev demo: two browsers behind symmetric NATs, and the relay between them."""

import argparse
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev demo", description="Two headless browsers behind symmetric NATs call each other, in a "
        "small internet of network namespaces. Takes root.",
        epilog="Exit status: 0 the call worked (with --no-relay: it rightly failed), 1 it did not, "
        "2 wrong use.")
    parser.add_argument("--dataplane", choices=("sockets", "xdp", "dpdk"), default="sockets")
    parser.add_argument("--no-relay", action="store_true",
                        help="offer the browsers no relay: they fail, which proves the NATs")
    parser.add_argument("--seconds", type=float, default=10, help="how long to talk (10)")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build/demo"),
                        help="where the screenshots go (build/demo)")
    parser.add_argument("--json", action="store_true", help="one JSON document in place of text")
    return parser.parse_args()


def ice_server(address, relay):
    """iceServers: the relay, or only what tells a browser its own address."""
    if relay:
        return [{"urls": f"turn:{address}:3478", "username": "alice", "credential": "wonderland"}]
    return [{"urls": f"stun:{address}:3478"}]


class Report:
    """Says what happens as it happens; or, for --json, keeps it."""

    def __init__(self, as_json):
        self.as_json, self.kept = as_json, {}

    def say(self, text=""):
        if not self.as_json:
            print(text, flush=True)

    def keep(self, **values):
        self.kept.update(values)

    def end(self):
        if self.as_json:
            print(json.dumps(self.kept, indent=2))


def gathered(report, name, side):
    report.say(f"\n{name}: candidates gathered")
    for c in side["candidates"]:
        report.say(f"  {c['type']:<6} {c['protocol']}  {c['address']:>22} {c['port']:>5}  "
                   f"after {c['ms']:>4} ms")


def won(report, name, side):
    pair = side["pair"]
    # The address of a peer that was not signalled, but found by its checks, is not told.
    ends = [f"{end['type']} {end['address'] or 'somewhere'}:{end['port']}"
            for end in (pair["local"], pair["remote"])]
    report.say(f"\n{name}: connected after {side['connected'] / 1000:.2f} s, "
               f"by {ends[0]} to {ends[1]}")


COUNTERS = ("relayed_to_peer", "relayed_to_client", "hairpinned")


def talk(report, call, server, seconds):
    """A line a second: what the browsers see beside what the relay counts."""
    report.say(f"\n{'':4}{'':8}{'in':>9}{'out':>9}{'round trip':>12}{'lost':>6}{'frames':>8}"
               f"{'payloads':>10}   turnpikectl counters: " + ", ".join(COUNTERS))
    before, counted, start = call.look(), server.counters(), time.monotonic()
    last, seen = start, []
    while time.monotonic() - start < seconds:
        time.sleep(max(0, last + 1 - time.monotonic()))
        now, counts = call.look(), server.counters()
        spent, last = time.monotonic() - last, time.monotonic()
        relayed = [f"{(counts[c] - counted[c]) / spent:.0f}/s" for c in COUNTERS]
        for name, a, b in zip(call.names, before, now):
            rate = [(b["pair"][way] - a["pair"][way]) * 8e-3 / spent for way in ("in", "out")]
            lost = b["lost"] - a["lost"]
            rtt = b["data"]["rtt"]
            report.say(f"{last - start:3.0f} {name:<8}{rate[0]:>4.0f} kb/s{rate[1]:>4.0f} kb/s"
                       f"{rtt:>9.1f} ms{lost:>6}{b['frames']:>8}{b['data']['received']:>10}"
                       + ("   " + ", ".join(relayed) if name == call.names[0] else ""))
            seen.append({"second": round(last - start), "browser": name, "in_kbps": rate[0],
                         "out_kbps": rate[1], "rtt_ms": rtt, "lost": lost, "frames": b["frames"]})
        before, counted = now, counts
    return before, seen


def screenshots(report, call, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, browser in zip(call.names, call.browsers):
        file = folder / f"{name}.png"
        browser.screenshot(file)
        report.say(f"screenshot of {name}: {file}")


def run(options, report):
    # What they import reads it.
    os.environ["TURNPIKE_DATAPLANE"] = options.dataplane
    from call import Call
    from internet import Internet
    from server import Server
    report.say(f"a small internet: two homes behind symmetric NATs, a page server, a relay "
               f"({options.dataplane})")
    internet = Internet()
    relay = internet.add_relay()
    server, call = Server(relay), None
    try:
        server.start()
        sides = [(name, nat.home) for name, nat in zip(("north", "south"), internet.nats)]
        call = Call(sides, internet.site, internet.site.v4[0],
                    ice_server(relay.v4[0], not options.no_relay), [relay.v4[0]])
        call.start()
        report.say("two browsers are up; they exchange offers, answers and candidates")
        states = call.wait_state("connected", "failed", seconds=60)
        sides = call.look()
        for name, side in zip(call.names, sides):
            gathered(report, name, side)
        report.keep(dataplane=options.dataplane, relay=not options.no_relay, states=states,
                    browsers=dict(zip(call.names, sides)))
        if options.no_relay:
            after = max(s["ms"] for side in sides for s in side["states"]) / 1000
            report.say(f"\nno relay: the connection {' and '.join(states)} after {after:.1f} s, "
                       "as it must behind these NATs")
            screenshots(report, call, options.output)
            return 0 if states == ["failed", "failed"] else 1
        if states != ["connected", "connected"]:
            report.say(f"\nnot connected: {states}\n{server.report()}")
            return 1
        for name, side in zip(call.names, sides):
            won(report, name, side)
        after, seen = talk(report, call, server, options.seconds)
        report.keep(seconds=seen, browsers=dict(zip(call.names, after)))
        report.say()
        screenshots(report, call, options.output)
        good = all(b["frames"] > a["frames"] and b["audio"] > a["audio"] and not b["data"]["damaged"]
                   for a, b in zip(sides, after))
        relayed = any("relay" in (s["pair"]["local"]["type"], s["pair"]["remote"]["type"])
                      for s in after)
        report.say("picture, sound and payloads came through the relay, every payload whole"
                   if good and relayed else "something did not come through: see above")
        return 0 if good and relayed else 1
    finally:
        if call:
            call.close()
        server.end()
        internet.close()


def main():
    options = arguments()
    report = Report(options.json)
    if os.geteuid() != 0:
        print("dev demo: it makes network namespaces, which takes root: sudo ./dev demo",
              file=sys.stderr)
        return 2
    try:
        status = run(options, report)
    except KeyboardInterrupt:
        return 130
    report.keep(status=status)
    report.end()
    return status


if __name__ == "__main__":
    sys.exit(main())
