# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Abuse: what established calls lose while strangers send as fast as they can."""

import json
import subprocess

from harness import network, servers, turngun
from harness.programs import Unmeasured

FLOODS = {
    "bare": "spoofed bare requests",
    "garbage": "garbage",
    "ports": "unknown relay ports",
}


def _flood(context, server, kind, seconds):
    """A flood on the generator's CPU, which it shares with the load."""
    program = context.build / "perf/bench/flood"
    if not program.exists():
        raise Unmeasured("flood was not built.")
    return subprocess.Popen(
        server.wire.gun.command("taskset", "-c", network.gun_cpu(), program, "gun0", server.mac(),
                                network.SERVER, network.PORT, kind, seconds),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _beside(context, server, session, kind):
    """(share lost, strangers' packets a second) of calls beside a flood; None: without one."""
    plan = context.plan
    flood = kind and _flood(context, server, kind, plan["abuse_seconds"] + 0.5)
    try:
        trial = session.trial(plan["abuse_seconds"], plan["abuse_rate"])
    finally:
        if flood:
            said, error = flood.communicate(timeout=plan["abuse_seconds"] + 20)
    if flood and flood.returncode:
        raise Unmeasured(f"flood ended with {flood.returncode}: {error.strip()}")
    return turngun.relay_loss(trial), json.loads(said)["pps"] if flood else 0


def _server(context, kind):
    server = kind(context.build, 2000)
    try:
        server.start()
        session = turngun.Session(context.build, server.wire, context.plan["recovery_clients"])
        try:
            _beside(context, server, session, None)  # warms up
            for flood, what in ((None, "nothing else"), *FLOODS.items()):
                share, pps = _beside(context, server, session, flood)
                context.figure("calls lose", "%", "less", [100 * share], server=server.name,
                               beside=what)
                if flood:
                    context.figure("the flood", "packets/s", "more", [pps], server=server.name,
                                   beside=what)
        finally:
            session.close()
    finally:
        server.close()


def abuse(context):
    context.parts(*((f"calls beside floods, {kind.name}", 1, _server, context, kind)
                    for kind in servers.available(context)))
