# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Level 3: whole servers, the same generator and the same flows for each, trial by trial in turn; and in
turn with them the generator's ceiling, the same wire with nothing behind it but a program that sends back."""

import contextlib
import itertools

from harness import network, servers, turngun
from harness.programs import Unmeasured, run_json
from harness.search import Search

GOALS = (("non-drop rate", 0.0), ("0.5 % drop rate", 0.005))
HIGHEST = 20_000_000.0  # packets a second
LEAST = 2000.0  # where nothing came in the first trial
RATES_WEIGHT, CURVES_WEIGHT = 6, 4  # of the time: a search, and the curves
WIDTHS = (0.08, 0.05)  # of the first search and of those after it


class Side:
    """A server, the generator's session with it, and what its trials said."""

    def __init__(self, server, session):
        self.server, self.session, self.name = server, session, server.name
        self.kept = {}  # what refreshing allocations, permissions and channels has met with so far

    def trial(self, context, seconds, rate=None, **more):
        self.server.go_on()
        found = self.session.trial(seconds, rate, **more)
        self.server.pause()
        if failed := (found["kept"] or {}).get("errors"):
            self.kept = failed
        if bad := turngun.damage(found):
            context.results.note(f"{self.name}: damaged at "
                                 f"{found['load']['total']['offered_pps']:.0f}/s: {bad}")
        return found


def _stand(context, kind, stack, clients, *more):
    server = kind(context.build, max(2 * clients, 2000))
    stack.callback(server.close)
    server.start()
    session = turngun.Session(context.build, server.wire, clients, *more, command=server.load)
    stack.callback(session.close)
    stack.callback(server.go_on)  # first: no session can end with a stopped server
    server.pause()
    return Side(server, session)


@contextlib.contextmanager
def standing(context, clients, *more):
    """The ceiling and all servers that are here, started, each with as many allocations, and paused."""
    sides = []
    with contextlib.ExitStack() as stack:
        for kind in (servers.Reflector, *servers.available(context, relaying=True)):
            try:
                sides.append(_stand(context, kind, stack, clients, *more))
            except (Unmeasured, AssertionError) as error:
                context.missing(kind.name, error)
        yield sides
        for side in sides:
            if side.kept:
                context.results.note(f"{side.name}: of what was to be refreshed, failed: {side.kept}")


def _how(case):
    """The words of a trial."""
    return {"sizes": case["bytes"], "direction": case["direction"]}


def _labels(case):
    """What figures of the case are known by."""
    return {k: case[k] for k in ("bytes", "direction", "mix") if k in case}


def _loop(context, case):
    """What the generator can at all: a loop instead of a wire."""
    command = [turngun.program(context.build), "ceiling", "--wire", "loop", "--seconds",
               context.plan["trial"], "--sizes", case["bytes"], "--direction", case["direction"],
               "--clients", 100, *case.get("session", ()), "--json", *turngun.EAL]
    values = [run_json(command, 30, accept=(0, 3))["load"]["total"]["received_pps"]
              for _ in range(4)][1:]
    context.figure("generator without a wire", "packets/s", "more", values, **_labels(case))


def _gaps(context):
    """When the machine takes a CPU from what would run there all the time."""
    for number, whose in ((network.gun_cpu(), "generator's"), (network.server_cpu(), "servers'")):
        found = [run_json([turngun.program(context.build), "gaps", "--cpu", number, "--seconds",
                           context.plan["trial"], "--json"], 30)["gaps"] for _ in range(3)]
        for what, unit in (("longest_us", "us"), ("lost_percent", "%")):
            context.figure(f"gaps of an idle CPU, {what.split('_')[0]}", unit, "less",
                           [g[what] for g in found], cpu=whose)


def _begin(context, side, case, width):
    """Searches of both goals, from what a first trial of all that the wire takes has told. It warms up,
    and is not counted."""
    rate = side.trial(context, context.plan["trial"], **_how(case))["load"]["total"]["received_pps"]
    return {goal: Search(goal, max(rate, LEAST), HIGHEST, width=width) for _, goal in GOALS}


def _again(found, width):
    """Searches from what the last ones have found, with steps that end them if that is still so."""
    return {goal: Search(goal, rates[-1] or LEAST, HIGHEST, width=width, step=1 + 0.99 * width)
            for goal, rates in found.items()}


def _search(context, sides, case, wanted):
    """All goals of all, {server: {goal: search}}, one trial each in turn. Returns whether all came to an
    end."""
    for count in range(context.plan["trials"]):
        busy = False
        for side in sides:
            searches = wanted[side.name].values()
            rate = next((r for s in searches if (r := s.next())), None)
            if rate is None:
                continue
            if context.left() <= 0:
                return False
            busy = True
            loss = turngun.lost_share(side.trial(context, context.plan["trial"], rate, **_how(case)))
            for search in searches:
                search.record(rate, loss)
            context.progress(f"trial {count + 1}: {side.name}: {rate:,.0f} packets/s, "
                             f"{100 * loss:.2f} % lost")
        if not busy:
            return True
    return False


def _rates(context, sides, case):
    """{server: {goal: [rates]}}"""
    found = {side.name: {goal: [] for _, goal in GOALS} for side in sides}
    asked = case.get("searches", 1)
    for number in range(asked):
        wanted = {s.name: _again(found[s.name], WIDTHS[1]) if number else
                  _begin(context, s, case, WIDTHS[0]) for s in sides}
        whole = _search(context, sides, case, wanted)
        if not whole:
            context.shortened(f"searches, {case['bytes']} bytes, {case['direction']}", asked, number)
        for name, searches in wanted.items():
            for goal, search in searches.items():
                # One that was cut short is better than none, where anything has passed, and no better
                # than others.
                if whole or (not number and search.found()):
                    found[name][goal].append(search.found())
        if not whole:
            break
    for name, goals in found.items():
        for what, goal in GOALS:
            context.figure(what, "packets/s", "more", goals[goal], server=name, **_labels(case))
    _ratios(context, found, case)
    return found


def _ratios(context, found, case):
    """Beside coturn, search by search: what a ratio says holds on a slow machine too."""
    peer = found.get(servers.Coturn.name)
    for name, goals in found.items():
        if not peer or name in (servers.Coturn.name, servers.Reflector.name):
            continue
        for what, goal in GOALS:
            ratio = [a / b for a, b in zip(goals[goal], peer[goal]) if b]
            if ratio:
                context.figure(f"{what} of coturn's", "ratio", "more", ratio, server=name,
                               **_labels(case))


def _loss(context, sides, case, found):
    """Loss against load, around the partial-drop rate of each."""
    shares = context.plan["load_shares"]
    points = {side.name: [] for side in sides}
    for count, share in enumerate(shares):
        if context.left() <= 0:
            context.shortened("loads of the curve of loss", len(shares), count)
            break
        for side in sides:
            top = max(found[side.name][0.005] or [0]) or LEAST
            trial = side.trial(context, context.plan["trial"], top * share, **_how(case))
            points[side.name].append((trial["load"]["total"]["offered"] / context.plan["trial"],
                                      100 * turngun.lost_share(trial)))
            context.progress(f"loss: {side.name} at {share:.0%} of its rate")
    for name, some in points.items():
        if some:
            context.curve("loss against load", "offered packets/s", "lost, %", some, server=name,
                          **_labels(case))


def _latencies(context, sides, case, found):
    """At a tenth and half of what the slowest can, the same for all."""
    least = min((r for goals in found.values() if (r := max(goals[0.005] or [0]))), default=LEAST)
    shares = (0.1, 0.5)
    for count, share in enumerate(shares):
        if context.left() <= 0:
            context.shortened("loads of the latencies", len(shares), count)
            return
        for side in sides:
            trial = side.trial(context, context.plan["latency_seconds"], least * share, **_how(case))
            _latency(context, side.name, trial, {**_labels(case), "load": f"{share:.0%}"})
            context.progress(f"latency: {side.name} at {least * share:,.0f} packets/s")


def _latency(context, name, trial, labels):
    latency = trial["load"]["total"]["latency_us"]
    for percentile in ("p50", "p90", "p99", "p99.9", "p99.99"):
        if latency.get(percentile) is not None:
            context.figure(f"latency {percentile}", "us", "less", [latency[percentile]], server=name,
                           **labels)
    points = [(float(k[1:]), v) for k, v in latency.items() if k.startswith("p") and v is not None]
    context.curve("latency", "percentile", "us", points, server=name, **labels)
    context.figure("longest gap of the machine meanwhile", "us", "less",
                   [trial["gaps"]["longest_us"]], server=name, **labels)


def _case(context, sides, case):
    name = f"{case['bytes']} bytes, {case['direction']}" + (", mixed" if "mix" in case else "")
    seconds = context.left() * RATES_WEIGHT * case.get("searches", 1) / _weight(case)
    found = context.part(f"rates, {name}", seconds, _rates, context, sides, case)
    if found and case.get("curves"):
        context.parts((f"loss against load, {name}", 1, _loss, context, sides, case, found),
                      (f"latency, {name}", 1, _latencies, context, sides, case, found))


def _weight(case):
    return RATES_WEIGHT * case.get("searches", 1) + (CURVES_WEIGHT if case.get("curves") else 0)


def whole(context):
    context.parts(("gaps of both CPUs", 1, _gaps, context))
    for case in context.plan["cases"]:
        context.parts((f"generator without a wire, {case['bytes']} bytes", 1, _loop, context, case))
    left = list(context.plan["cases"])
    for session, some in itertools.groupby(context.plan["cases"], lambda c: c.get("session", ())):
        some = list(some)
        with standing(context, context.plan["clients"], *session) as sides:
            for case in some:
                share = _weight(case) / sum(map(_weight, left))
                context.within(context.left() * share, _case, context, sides, case)
                left.remove(case)
