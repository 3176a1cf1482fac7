# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Level 3: whole servers, the same generator and the same flows for each, trial by trial in turn."""

import contextlib

from harness import servers, turngun
from harness.programs import Unmeasured, run_json
from harness.search import Search

GOALS = (("non-drop rate", 0.0), ("0.5 % drop rate", 0.005))
FIRST, HIGHEST = 50_000.0, 20_000_000.0  # packets a second; where no trial has told yet
TRIALS_MAX = 40  # of one server in one search


class Side:
    """A server, the generator's session with it, and what its trials said."""

    def __init__(self, server, session):
        self.server, self.session = server, session
        self.trials = []

    def trial(self, context, seconds, rate=None, **more):
        self.server.go_on()
        found = self.session.trial(seconds, rate, **more)
        self.server.pause()
        self.trials.append(found)
        if bad := turngun.damage(found):
            context.results.note(f"{self.server.name}: damaged at "
                                 f"{found['load']['total']['offered_pps']:.0f}/s: {bad}")
        return found


@contextlib.contextmanager
def standing(context, clients, *more):
    """All servers that are here, started, each with as many allocations, and paused."""
    sides = []
    with contextlib.ExitStack() as stack:
        for kind in servers.available(context.build, context.results, context.level):
            try:
                server = kind(context.build, max(2 * clients, 2000))
                stack.callback(server.close)
                server.start()
                session = turngun.Session(context.build, server.wire, clients, *more)
                stack.callback(session.close)
                stack.callback(server.go_on)  # first: no session can end with a stopped server
                server.pause()
                sides.append(Side(server, session))
            except (Unmeasured, AssertionError) as error:
                context.missing(kind.name, error)
        yield sides


def _ceiling(context, size):
    """What the generator can at all: a loop instead of a wire. It is drawn in every chart."""
    command = [turngun.program(context.build), "ceiling", "--wire", "loop", "--seconds",
               context.plan["trial"], "--sizes", size, "--clients", 100, "--json", *turngun.EAL]
    return [run_json(command, 30, accept=(0, 3))["load"]["total"]["received_pps"]
            for _ in range(3)][1:]


def _search(context, sides, size, number):
    """All goals of all servers, one trial each in turn."""
    plan = context.plan
    wanted = {}
    for side in sides:
        # The first at all that the wire takes: it warms up, is not counted, and says where to begin.
        first = side.trial(context, plan["trial"], sizes=size)["load"]["total"]["received_pps"]
        start = max(first, 2000.0)
        wanted[side.server.name] = {goal: Search(goal, start, HIGHEST,
                                                 width=0.05 if number else 0.08)
                                    for _, goal in GOALS}
        context.say(f"  {side.server.name}: {first:,.0f} packets/s of as many as can be sent")
    for count in range(TRIALS_MAX):
        busy = False
        for side in sides:
            searches = wanted[side.server.name]
            rate = next((r for s in searches.values() if (r := s.next())), None)
            if rate is None or context.left() <= 0:
                continue
            busy = True
            loss = turngun.lost_share(side.trial(context, plan["trial"], rate, sizes=size))
            for search in searches.values():
                search.record(rate, loss)
        if not busy:
            break
    return {name: {goal: s.found() for goal, s in searches.items()}
            for name, searches in wanted.items()}


def _rates(context, sides, size):
    found = {side.server.name: {goal: [] for _, goal in GOALS} for side in sides}
    for number in range(context.plan["searches"]):
        if context.left() <= 0:
            break
        for name, rates in _search(context, sides, size, number).items():
            for goal, rate in rates.items():
                found[name][goal].append(rate)
    for name, goals in found.items():
        for what, goal in GOALS:
            context.figure(what, "packets/s", "more", goals[goal], server=name, bytes=size)
    _ratios(context, found, size)
    return found


def _ratios(context, found, size):
    """Beside coturn, round by round: what a ratio says holds on a slow machine too."""
    peer = found.get("coturn")
    for name, goals in found.items():
        if not peer or name == "coturn":
            continue
        for what, goal in GOALS:
            ratio = [a / b for a, b in zip(goals[goal], peer[goal]) if b]
            if ratio:
                context.figure(f"{what} of coturn's", "ratio", "more", ratio, server=name, bytes=size)


def _curves(context, sides, size, found):
    """Loss against load, and latency at a tenth and half of what the slowest server can."""
    plan = context.plan
    partial = {name: max(goals[0.005] or [0]) for name, goals in found.items()}
    for side in sides:
        name = side.server.name
        top = partial[name] or FIRST
        points = []
        for share in plan["load_shares"]:
            if context.left() <= 0:
                break
            trial = side.trial(context, plan["trial"], top * share, sizes=size)
            points.append((trial["load"]["total"]["offered_pps"],
                           100 * turngun.lost_share(trial)))
        context.curve("loss against load", "offered packets/s", "lost, %", points, server=name,
                      bytes=size)
    least = min((r for r in partial.values() if r), default=FIRST)
    for share in (0.1, 0.5):
        for side in sides:
            if context.left() > 0:
                _latency(context, side, size, least * share, share)


def _latency(context, side, size, rate, share):
    trial = side.trial(context, context.plan["latency_seconds"], rate, sizes=size)
    name, latency = side.server.name, trial["load"]["total"]["latency_us"]
    for percentile in ("p50", "p90", "p99", "p99.9", "p99.99"):
        if latency.get(percentile) is not None:
            context.figure(f"latency {percentile}", "us", "less", [latency[percentile]], server=name,
                           bytes=size, load=f"{share:.0%} of the slowest server's rate")
    points = [(float(k[1:]), v) for k, v in latency.items() if k.startswith("p") and v is not None]
    context.curve("latency", "percentile", "us", points, server=name, bytes=size,
                  load=f"{share:.0%}")
    context.figure("longest gap of the machine meanwhile", "us", "less",
                   [trial["gaps"]["longest_us"]], server=name, bytes=size, load=f"{share:.0%}")


def whole(context):
    plan = context.plan
    for size in plan["sizes"]:
        ceiling = context.try_to(f"ceiling of the generator, {size} bytes", _ceiling, context, size)
        if ceiling:
            context.figure("ceiling of the generator", "packets/s", "more", ceiling, bytes=size)
        # A session for each size: allocations are fresh, and none expires in the midst.
        with standing(context, plan["clients"]) as sides:
            if not sides:
                return
            found = context.try_to(f"rates, {size} bytes", _rates, context, sides, size)
            if found:
                context.try_to(f"loss and latency, {size} bytes", _curves, context, sides, size,
                               found)
