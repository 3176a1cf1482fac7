# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Levels 0 to 2: the benches of perf/bench, which print figures as JSON (perf/bench/figure.h)."""

from harness import machine
from harness.programs import Unmeasured, run_json

# Bytes for a flow in the tables of a bench, generously, and beside them.
FLOW_BYTES, REST_BYTES = 700, 512 << 20


def _bench(context, name, *arguments, **labels):
    found = run_json([context.build / "perf/bench" / name, "--json", *map(str, arguments)],
                     max(context.left(), 5))
    for f in found:
        also = {k: f[k] for k in ("side", "flows", "burst") if k in f}
        context.figure(f["what"], f["unit"], f["better"], f["values"], **labels, **also)


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


def pure(context):
    """Level 0: no I/O."""
    plan, rounds = context.plan, ("--rounds", context.plan["rounds"])
    fit = _that_fit(context, plan["flows"])
    # Each is asked for as many flows as fit, then for all bursts with few and with many.
    for bench, what in (("relay_bench", "lookup"), ("frame_bench", "lookup and rewrite of frames")):
        context.try_to(f"{what}, {fit[0]:,} to {fit[-1]:,} flows", lambda b=bench: _bench(
            context, b, *rounds, "--flows", _list(fit), "--bursts", 32, bench=b))
        others = [b for b in plan["bursts"] if b != 32]
        if others:
            context.try_to(f"{what}, bursts", lambda b=bench, o=others: _bench(
                context, b, *rounds, "--flows", _list([n for n in fit if n in (1000, 1000000)]),
                "--bursts", _list(o), bench=b))
    context.try_to("STUN: verify and sign", _bench, context, "stun_bench", *rounds)
    context.try_to("the ring", lambda: _bench(context, "ring_bench", *rounds, "--bursts",
                                              _list(plan["bursts"])))
    few = [n for n in fit if n <= 1000000]
    context.try_to("commands", lambda: _bench(context, "apply_bench", *rounds, "--flows",
                                              _list(few)))
    context.try_to("the control plane", _bench, context, "control_bench", *rounds, "--allocations",
                   plan["allocations"])


def port(context):
    """Level 1: turnpike-dpdk on ports of shared memory."""
    plan = context.plan
    context.try_to("one core, beside macswap", _bench, context, "port_bench", "--rounds",
                   plan["rounds"], "--allocations", plan["allocations"])
    for wires in plan["wire"]:
        context.try_to(f"net_{wires}, beside dpdk-testpmd", _wire, context, wires)


def _wire(context, wires):
    if len(machine.cpus()) < 2:
        raise Unmeasured("it takes two CPUs.")
    bench = machine.REPOSITORY / "perf/bench/wire_bench.py"
    found = run_json(["/usr/bin/python3", bench, "--json", "--rounds",
                      str(context.plan["wire_rounds"]), wires], max(context.left(), 60))
    rounds = found[wires]["rounds"]
    for way in ("to peer", "to client"):
        for side, each in rounds.items():
            context.figure(way, "packets/s", "more", [one[f"pps {way}"]["pps"] for one in each],
                           bench="wire_bench", wire=wires, side=side)
            for share in ("p50", "p99"):
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
    context.try_to("the XDP program beside a bare XDP_TX", _bench, context, "xdp_bench", "--rounds",
                   context.plan["rounds"], "--packets", context.plan["packets"], "--allocations",
                   min(context.plan["allocations"], 100000))
