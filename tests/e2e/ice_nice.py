# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""One libnice agent: ice_nice.py ROLE SERVER PORT USER PASSWORD FAMILY KIND...

Speaks the same lines as ice_aioice.py. KINDs: relay alone forces the relay; host tells and uses
host candidates only.
"""

import ctypes
import json
import sys
import threading

import gi

gi.require_version("Nice", "0.1")
from gi.repository import GLib, Nice  # noqa: E402 pylint: disable=wrong-import-position

MESSAGES = 50
role, server, port, user, password, family, *kinds = sys.argv[1:]
KINDS = {Nice.CandidateType.HOST: "host", Nice.CandidateType.RELAYED: "relay",
         Nice.CandidateType.PEER_REFLEXIVE: "prflx", Nice.CandidateType.SERVER_REFLEXIVE: "srflx"}

loop = GLib.MainLoop()
agent = Nice.Agent.new(loop.get_context(), Nice.Compatibility.RFC5245)
agent.props.controlling_mode = role == "controlling"
agent.props.upnp = False
agent.props.ice_tcp = False
agent.props.force_relay = kinds == ["relay"]
stream = agent.add_stream(1)
if "relay" in kinds:
    agent.set_relay_info(stream, 1, server, int(port), user, password, Nice.RelayType.UDP)
got, pair = [], {}
sent, ready = 0, False


def say(**what):
    print(json.dumps(what), flush=True)


def gathered(_agent, _stream):
    candidates = [c for c in agent.get_local_candidates(stream, 1) if KINDS[c.type] in kinds]
    _, ufrag, secret = agent.get_local_credentials(stream)
    say(user=ufrag, password=secret,
        candidates=[agent.generate_local_candidate_sdp(c) for c in candidates])
    threading.Thread(target=listen, daemon=True).start()


def listen():
    other = json.loads(sys.stdin.readline())
    GLib.idle_add(start, other)
    sys.stdin.readline()
    GLib.idle_add(loop.quit)


def start(other):
    agent.set_remote_credentials(stream, other["user"], other["password"])
    agent.set_remote_candidates(stream, 1, [agent.parse_remote_candidate_sdp(stream, line)
                                            for line in other["candidates"]])


def send():
    """One message ahead of the other's. The other may be ready, and heard, before this agent is."""
    global sent
    while ready and sent <= len(got) and sent < MESSAGES:
        data = f"{role} {sent}"
        sent += 1
        assert agent.send(stream, 1, len(data), data) == len(data)


def changed(_agent, _stream, _component, state):
    global ready
    if state == Nice.ComponentState.READY:
        ready = True
        send()
    elif state == Nice.ComponentState.FAILED:
        say(failed=True)
        loop.quit()


def selected(_agent, _stream, _component, local, remote):
    pair.update(local=KINDS[local.type], remote=KINDS[remote.type])


@ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint,
                  ctypes.c_void_p, ctypes.c_void_p)
def received(_agent, _stream, _component, length, data, _more):
    got.append(ctypes.string_at(data, length).decode())
    send()
    if len(got) == MESSAGES:
        say(received=got, **pair)


agent.connect("candidate-gathering-done", gathered)
agent.connect("component-state-changed", changed)
agent.connect("new-selected-pair-full", selected)
# The bindings leave this one call out. An object's hash is its address; no context is the default.
assert ctypes.CDLL("libnice.so.10").nice_agent_attach_recv(
    ctypes.c_void_p(hash(agent)), stream, 1, None, received, None)
assert agent.gather_candidates(stream)
loop.run()
