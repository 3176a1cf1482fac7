# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Control: allocation storms, memory for each allocation, and what a death costs."""

import contextlib
import os
import signal
import time

from harness import network, servers, spread, turngun
from harness.programs import Unmeasured, run_json

import turn  # tests/e2e, by network

MANY_SECONDS = 2
BEFORE = 0.25  # of a load: until something dies
NOT_BACK = 0.95  # of what was sent after that: who loses so much was not back by the end


@contextlib.contextmanager
def _running(context, kind, allocations):
    server = kind(context.build, allocations)
    try:
        yield server.start()
    finally:
        server.close()


def _crowd(context, server, count):
    """So many allocations and nothing else, from 10 addresses of the kernel's."""
    # Ports of a client are used once: 2,000 and up, on each address.
    addresses = [f"198.51.100.{n}" for n in range(20, 30)]
    server.wire.gun.ip(*(f"addr replace {a}/24 dev gun0" for a in addresses))
    found = run_json(server.wire.gun.command(
        context.build / "tests/e2e/crowd", network.SERVER, network.PORT, turngun.USER,
        turngun.PASSWORD, count, *addresses), max(context.left(), 10))
    if found["made"] < count:
        raise Unmeasured(f"{server.name} made {found['made']} of {count} allocations.")
    return found


def _first_packet(server):
    """Seconds from a client's first request until its first packet is at the peer."""
    client = turn.Turn(server.wire.gun.udp(network.KERNEL_CLIENT), (network.SERVER, network.PORT),
                       turngun.USER, turngun.PASSWORD)
    peer = server.wire.gun.udp(network.KERNEL_PEER)
    begin = time.perf_counter()
    client.allocate()
    client.channel_bind(0x4000, peer.getsockname())
    client.channel_data(0x4000, b"first")
    try:
        got = peer.recv(2000)
    except TimeoutError:
        raise Unmeasured(f"{server.name} did not relay the first packet.") from None
    took = time.perf_counter() - begin
    client.close()
    peer.close()
    if got != b"first":
        raise Unmeasured(f"{server.name} relayed something else.")
    return took


def _storm(context, kind, rates, firsts):
    plan = context.plan
    with _running(context, kind, plan["storm"] + 100) as server:
        with server.wire.taking_frames(context.build):
            firsts.append([_first_packet(server) * 1e3 for _ in range(5)])
        found = turngun.once(context.build, server.wire, plan["storm"], 60, "--seconds", "0.01",
                             "--rate", "1000", "--peer", network.PEER_RANGE)["setup"]
    if found["allocate"]["failed"]:
        raise Unmeasured(f"{kind.name}: {found['allocate']['failed']} of {plan['storm']} "
                         f"allocations failed: {found['allocate']['errors']}")
    rates.append(found)


def _storms(context, kinds):
    """Taking turns; the first of each warms up, and counts only where there is no time for another."""
    found = {kind: ([], []) for kind in kinds}
    dead, asked = set(), context.plan["storms"]
    for number in range(asked + 1):
        if number and context.left() <= 0:
            context.shortened("allocation storms of each", asked, number - 1)
            break
        for kind in kinds:
            if kind in dead:
                continue
            try:
                _storm(context, kind, *found[kind])
            except (Unmeasured, AssertionError) as error:
                context.missing(f"allocation storm, {kind.name}", error)
                dead.add(kind)
            context.progress(f"storm {number} of {asked}: {kind.name}")
    for kind, (storms, firsts) in found.items():
        kept = storms[1:] or storms
        if not kept:
            continue
        context.figure("allocations", "per second", "more",
                       [s["allocate"]["per_second"] for s in kept], server=kind.name,
                       storm=context.plan["storm"])
        context.figure("transactions", "per second", "more",
                       [(s["allocate"]["transactions"] + s["bind"]["transactions"]) /
                        (s["allocate"]["seconds"] + s["bind"]["seconds"]) for s in kept],
                       server=kind.name, storm=context.plan["storm"])
        context.figure("p99 of a transaction in the storm", "us", "less",
                       [s["allocate"]["latency_us"]["p99"] for s in kept], server=kind.name,
                       storm=context.plan["storm"])
        context.figure("requests sent again in the storm", "%", "less",
                       [100 * s["allocate"]["retransmissions"] / s["allocate"]["transactions"] for s in kept],
                       server=kind.name, storm=context.plan["storm"])
        context.figure("first request to first relayed packet", "ms", "less",
                       [spread.median(f) for f in firsts[1:] or firsts], server=kind.name)


def _memory(context, kind):
    """Each server has room for as many as it gets: Turnpike takes all its memory at start."""
    points = []
    for number, count in enumerate(context.plan["memory"]):
        if number > 1 and context.left() <= 0:
            context.shortened(f"points of memory, {kind.name}", len(context.plan["memory"]), number)
            break
        with _running(context, kind, count) as server:
            _crowd(context, server, count)
            points.append((count, server.memory()))
    rise, rest = spread.slope(points)
    context.figure("memory of an allocation", "bytes", "less", [rise], server=kind.name)
    context.figure("memory without any", "bytes", "less", [rest], server=kind.name)
    context.curve("memory", "allocations", "bytes", points, server=kind.name)


def _room(context, kind, what, asked):
    """How many of so many allocations the server can have here; that it can't have all is told."""
    count, why = kind.most(asked)
    if why:
        context.missing(f"{what}, {kind.name}: {asked:,} of them, but {count:,}", why)
    return count


def _many(context, kind):
    """As many allocations as one server is to have, or as there is time for: how fast they are made, what
    each takes, and what they relay."""
    asked = _room(context, kind, "allocations at the same time", context.plan["many"])
    before = [f for f in context.results.document["figures"]
              if f["what"] == "allocations" and f["labels"]["server"] == kind.name]
    speed = before[0]["median"] if before else 5000
    # Allocating takes two transactions, binding one; and the load its time.
    count = int(min(asked, max(context.left() * 0.5 * speed, 1000)))
    context.shortened(f"allocations at the same time, {kind.name}", asked, count)
    with _running(context, kind, count) as server:
        session = turngun.Session(context.build, server.wire, count, "--window", 1024,
                                  where=network.MANY_CLIENTS, seconds=context.left() + 20,
                                  all_made=False)
        made = session.setup["allocate"]["made"]
        if made < count:
            context.missing(f"{count - made:,} of {count:,} allocations, {kind.name}",
                            f"the server refused: {session.setup['allocate']['errors']}")
        try:
            trial = session.trial(MANY_SECONDS)
            memory = server.memory()
        finally:
            session.kill()
    context.figure("allocations", "per second", "more", [session.setup["allocate"]["per_second"]],
                   server=kind.name, storm=count)
    context.figure("memory of all programs", "bytes", "less", [memory], server=kind.name,
                   allocations=made)
    context.figure("memory of all programs over allocations", "bytes", "less", [memory / made],
                   server=kind.name, allocations=made)
    context.figure("relayed, of as many as can be sent", "packets/s", "more",
                   [trial["load"]["total"]["received_pps"]], server=kind.name, allocations=made)


def _during(context, server, rate, seconds, what, before):
    """Loads for so long; `before` seconds after it began, `what` happens. Returns the trial."""
    session = turngun.Session(context.build, server.wire, context.plan["recovery_clients"],
                              "--keep")
    try:
        session.begin(f"rate={rate}", f"seconds={seconds}")
        time.sleep(before)  # into the load
        what()
        return session.end(seconds + 10)
    finally:
        session.close()


def _cost(trial, seconds):
    """What a death has cost, as a share of all that was sent."""
    share = turngun.relay_loss(trial)
    if share >= (1 - BEFORE) * NOT_BACK:
        raise Unmeasured(f"calls were not back {(1 - BEFORE) * seconds:.1f} s after the death.")
    return share


def _kill(context, kind, program, replay=0):
    """`replay`: so many allocations, of which the load's are some."""
    plan = context.plan
    rate, seconds = plan["recovery_rate"], plan["recovery_seconds"]
    clients, extra = plan["recovery_clients"], 0
    if replay:
        extra = _room(context, kind, "allocations at a restart", replay + 100) - clients - 100
        seconds = plan["replay_seconds"]
    allocations = clients + extra + 100
    with _running(context, kind, allocations) as server:
        if extra:
            _crowd(context, server, extra)
        pid = server.programs().get(program)
        if not pid:
            raise Unmeasured(f"{kind.name} runs no {program}.")

        def strike():
            os.kill(pid, signal.SIGKILL)
            if program != "turnpike":  # nobody restarts the launcher; what it started goes on
                server.restarted(program, pid)
        trial = _during(context, server, rate, seconds, strike, BEFORE * seconds)
    share = _cost(trial, seconds)
    labels = {"server": kind.name, "killed": program, "allocations": allocations - 100}
    context.figure("lost over offered", "%", "less", [100 * share], **labels)
    context.figure("time that what was lost stands for", "ms", "less", [1e3 * share * seconds],
                   **labels)


def _kills(context, kinds):
    """[(name, weight, function, ...)] of all deaths."""
    replay = context.plan["replay"]
    for kind in kinds:
        if not issubclass(kind, servers.Turnpike):
            continue
        for program in ("turnpike", "turnpike-control", kind.program):
            yield f"kill -9 of {program}, {kind.name}", 2, _kill, context, kind, program
        if replay:
            yield (f"restart of the dataplane with {replay:,} allocations, {kind.name}", 8, _kill,
                   context, kind, kind.program, replay)


def control(context):
    kinds = servers.available(context)
    parts = [("allocation storms", 2 * len(kinds), _storms, context, kinds)]
    parts += [(f"memory of an allocation, {kind.name}", 2, _memory, context, kind) for kind in kinds]
    parts += _kills(context, kinds)
    # With coturn each takes 22 kB and more.
    if context.plan["many"]:
        parts += [(f"{context.plan['many']:,} allocations, {kind.name}", 14 if kind is servers.TurnpikeDpdk else 4,
                   _many, context, kind) for kind in kinds if issubclass(kind, servers.Turnpike)]
    context.parts(*parts)
    context.results.note("Another server's death takes its allocations with it, so only Turnpike's "
                         "programs are killed.")
    if not context.plan["replay"]:
        context.missing("restart of a dataplane with 100,000 allocations",
                        f"it takes longer than a run of mode {context.results.document['mode']}.")
