# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""One channel, and which part of turnpike-kernel relays it: the XDP program, or the sockets under it."""

import socket
import time

import lab as internet
import stun
import turn
from server import wait_until

CHANNEL = 0x4000


def relayed(server):
    """What program and sockets have relayed up to now: a heartbeat follows what it shows."""
    now = time.monotonic()

    def beaten():
        asked = time.monotonic()
        return asked - server.ctl("status")["dataplane"]["heartbeat_age_ms"] / 1000 > now + 0.002
    wait_until(beaten, 5, "a heartbeat")
    return server.ctl("counters")["relayed"]


def flow(make_client, make_peer, server, family=socket.AF_INET):
    client, peer = make_client(family, of=server), make_peer(family)
    assert client.allocate(turn.want(family)).cls == stun.SUCCESS
    assert client.channel_bind(CHANNEL, internet.name(peer)).cls == stun.SUCCESS
    return client, peer


def both_ways(client, peer, data):
    client.channel_data(CHANNEL, data)
    assert peer.recv(65535) == data
    peer.sendto(data, client.relayed)
    assert client.receive_channel_data() == (CHANNEL, data)


def settle(server, client, peer):
    """Until next hops are known: then the program relays. Returns how many packets each relayed."""
    def program_relays():
        before = relayed(server)
        both_ways(client, peer, b"settle")
        return relayed(server)["workers"] == before["workers"]
    wait_until(program_relays, 5, "the program to relay")
    return relayed(server)
