# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Levels 0 to 2: the benches of perf/bench, which print figures as JSON (perf/bench/figure.h)."""

import os

from harness import machine
from harness.programs import Unmeasured, run_json

MARGIN = 1  # seconds that a bench takes to begin and to end
WIRE_MARGIN = 6  # a round
OVERTIME = 0.04  # of a run: until one that does not end is ended
HUGE = 1000000
# Bytes for a flow in the tables of a bench, generously, and beside them.
FLOW_BYTES, REST_BYTES = 700, 512 << 20


def _bench(context, name, *arguments, rounds=None, but=(), **labels):
    """All that a bench prints, but for figures of so many flows as are known already. It is told how long
    it may take, and makes as many rounds as fit."""
    rounds = rounds or context.plan["rounds"]
    found = run_json([context.build / "perf/bench" / name, "--json", "--rounds", rounds, "--seconds",
                      f"{max(context.left() - MARGIN, 0.1):.1f}", *map(str, arguments)],
                     context.left() + OVERTIME * context.plan["seconds"])
    if not found:
        raise Unmeasured(f"{name} came to no round in its time.")
    for f in found:
        also = {k: f[k] for k in ("side", "flows", "burst") if k in f}
        if f.get("flows") not in but:
            context.figure(f["what"], f["unit"], f["better"], f["values"], **labels, **also)
    context.shortened(f"rounds of {name}", rounds, max(len(f["values"]) for f in found))


def _that_fit(context, flows):
    """Those of which the tables, all of them at once, fit into what memory is free."""
    room = machine.available_memory() * 0.8 - REST_BYTES
    fit = []
    for n in sorted(flows):
        if (sum(fit) + n) * FLOW_BYTES <= room:
            fit.append(n)
        else:
            context.missing(f"{n:,} flows", f"their tables take some {n * FLOW_BYTES >> 20:,} MiB.")
    return fit


def _list(numbers):
    return ",".join(map(str, numbers))


def _sweeps(fit, every_burst):
    """(few, bursts, huge) parts of lookup and rewriting: each bench is asked for as many flows as fit, then
    for all bursts with few and with many, then for tables that take half a minute to fill."""
    few, bursts, huge = [], [], []
    ends = [n for n in fit if n in (1000, HUGE)] or fit[:1]

    def add(parts, weight, what, bench, flows, some_bursts):
        parts.append((what, weight, lambda c: _bench(c, bench, "--flows", _list(flows), "--bursts",
                                                     _list(some_bursts), bench=bench)))

    for bench, what in (("relay_bench", "lookup"), ("frame_bench", "lookup and rewrite of frames")):
        for parts, weight, some in ((few, 5, [n for n in fit if n <= HUGE]),
                                    (huge, 8, [n for n in fit if n > HUGE])):
            if some:
                add(parts, weight, f"{what}, {some[0]:,} to {some[-1]:,} flows", bench, some, [32])
        if every_burst:
            add(bursts, 4, f"{what}, bursts of {every_burst[0]} to {every_burst[-1]}", bench, ends, every_burst)
    return few, bursts, huge


def pure(context):
    """Level 0: no I/O. What takes longest comes last: on a slow machine it is what there is no time for."""
    fit = _that_fit(context, context.plan["flows"])
    few, bursts, huge = _sweeps(fit, [b for b in context.plan["bursts"] if b != 32])
    parts = [
        ("STUN: verify and sign", 1, lambda c: _bench(c, "stun_bench")),
        ("the ring", 2, lambda c: _bench(c, "ring_bench", "--bursts", _list(c.plan["bursts"]))),
        *few,
        ("commands", 2, lambda c: _bench(c, "apply_bench", "--flows", _list([n for n in fit if n <= HUGE]))),
        ("the control plane", 5, lambda c: _bench(c, "control_bench", "--allocations", c.plan["allocations"])),
        *bursts, *huge]
    context.parts(*((*part, context) for part in parts))


def port(context):
    """Level 1: turnpike-dpdk on ports of shared memory."""
    few = min(context.plan["allocations"], 10000)
    # The tables of few are filled at once; those of many take their time, and may not be in time.
    parts = [("one core, beside macswap", 3, lambda: _bench(context, "port_bench", "--allocations", few))]
    if context.plan["allocations"] > few:
        parts.append((f"one core, beside macswap, {context.plan['allocations']:,} allocations", 5,
                      lambda: _bench(context, "port_bench", "--allocations", context.plan["allocations"],
                                     but=(1000, None))))
    for wires in context.plan["wire"]:
        parts.append((f"net_{wires}, beside dpdk-testpmd", 3, _wire, context, wires))
    context.parts(*parts)


def _wire(context, wires):
    if len(machine.cpus()) < 2:
        raise Unmeasured("it takes two CPUs.")
    bench = machine.REPOSITORY / "perf/bench/wire_bench.py"
    asked = context.plan["wire_rounds"]
    found = run_json(["/usr/bin/python3", bench, "--json", "--rounds", asked, "--seconds",
                      f"{max(context.left() - WIRE_MARGIN, 0.1):.1f}", wires],
                     context.left() + 2 * OVERTIME * context.plan["seconds"],
                     env={**os.environ, "TURNPIKE_BUILD": str(context.build)})
    rounds = found[wires]["rounds"]
    context.shortened(f"rounds of wire_bench, {wires}", asked, len(rounds["turnpike"]))
    for number, cpu in enumerate(("generator's", "forwarder's")):
        context.figure(f"longest gap of the {cpu} CPU", "us", "less",
                       [both[number]["longest_us"] for both in found[wires]["gaps"]], bench="wire_bench",
                       wire=wires)
    for way in ("to peer", "to client"):
        context.figure("generator without a wire", "packets/s", "more",
                       [one[way] for one in found[wires]["without a wire"]], bench="wire_bench", wire=wires,
                       way=way)
        for side, each in rounds.items():
            context.figure(way, "packets/s", "more", [one[f"pps {way}"]["pps"] for one in each],
                           bench="wire_bench", wire=wires, side=side)
            for share in ("p50", "p99", "p99.9"):
                context.figure(f"latency {share} {way}", "us", "less",
                               [one[f"latency {way}"][share] for one in each],
                               bench="wire_bench", wire=wires, side=side)
        if "testpmd macswap" in rounds:
            context.figure(f"of testpmd macswap, {way}", "ratio", "more",
                           [a[f"pps {way}"]["pps"] / b[f"pps {way}"]["pps"]
                            for a, b in zip(rounds["turnpike"], rounds["testpmd macswap"])],
                           bench="wire_bench", wire=wires)


def xdp(context):
    """Level 2: the XDP program beside a bare one."""
    context.parts(("live frames beside a bare XDP_TX, and run-time statistics", 1, lambda: _bench(
        context, "xdp_bench", "--packets", context.plan["packets"], "--allocations",
        min(context.plan["allocations"], 100000))))
