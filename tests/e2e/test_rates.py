# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Packets and bits per second of allocations and users (RFC 8656 section 21.3.1): what is over a rate is dropped and
counted, each direction by itself, and nobody else notices."""

import time

import pytest

import lab as internet
import stun
from server import wait_until

CHANNEL = 0x4000
DATA = b"x" * 200
ROUNDS, LOUD, QUIET = 8, 150, 10  # packets in a round: fewer than any buffer on the way holds
RATE = 50  # packets
LEAST = 8 * 65536  # bits that a bucket holds: a datagram of any size
LIMITS = {  # and how many packets a bucket holds
    "packets of an allocation": ({"packets_per_second": RATE}, RATE),
    "bits of an allocation": ({"bits_per_second": RATE * 8 * len(DATA)}, LEAST / 8 / len(DATA)),
    "packets of a user": ({"user_packets_per_second": RATE}, RATE),
    "bits of a user": ({"user_bits_per_second": RATE * 8 * len(DATA)}, LEAST / 8 / len(DATA)),
}
WAYS = {"client": ("relayed_to_peer", "client_rate_limited"),
        "peer": ("relayed_to_client", "peer_rate_limited")}


@pytest.fixture
def bound(make_client, make_peer):
    """Clients with a channel to a peer of their own."""
    def make(server, user):
        client, peer = make_client(of=server, user=user), make_peer()
        assert client.allocate().cls == stun.SUCCESS
        assert client.channel_bind(CHANNEL, internet.name(peer)).cls == stun.SUCCESS
        return client, peer
    return make


def send(pair, way, n):
    client, peer = pair
    for _ in range(n):
        if way == "client":
            client.channel_data(CHANNEL, DATA)
        else:
            peer.sendto(DATA, client.relayed)


def settled(server, way, sent):
    """How many were relayed and how many were over a rate, once that is all that was sent."""
    def counted():
        counters = server.counters()
        relayed, limited = (counters[name] for name in WAYS[way])
        return relayed + limited == sent and (relayed, limited)
    return wait_until(counted, 30, f"{sent} packets relayed or over a rate")


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_over_a_rate_is_dropped_and_counted_and_another_user_loses_nothing(
        make_server, bound, limit, way):
    limits, bucket = LIMITS[limit]
    server = make_server(limits={"unauthenticated_per_second": 0, **limits})
    loud, quiet = bound(server, "alice"), bound(server, "bob")
    client, peer = quiet
    began = time.monotonic()
    for n in range(1, ROUNDS + 1):
        send(loud, way, LOUD)
        # Between them the time that it takes to count: another user's are below the rate in any case.
        if n <= 4:
            send(quiet, way, QUIET)
        relayed, limited = settled(server, way, n * LOUD + min(n, 4) * QUIET)
    passed = time.monotonic() - began
    relayed -= 4 * QUIET
    print(f"{limit}, from the {way}: of {ROUNDS * LOUD} in {passed:.2f} s {relayed} were relayed, {limited} dropped")
    assert bucket * 15 / 16 - 1 <= relayed <= bucket + RATE * passed
    assert relayed + limited == ROUNDS * LOUD
    for _ in range(4 * QUIET):
        if way == "client":
            assert peer.recv(1000) == DATA
        else:
            assert client.receive_channel_data() == (CHANNEL, DATA)


def test_a_users_rate_is_of_all_allocations_together(make_server, bound):
    server = make_server(limits={"unauthenticated_per_second": 0, "user_packets_per_second": 60})
    pairs = [bound(server, "alice") for _ in range(3)]
    began = time.monotonic()
    for n in range(1, ROUNDS + 1):
        for pair in pairs:
            send(pair, "client", LOUD // 3)
        relayed, _ = settled(server, "client", n * LOUD)
    passed = time.monotonic() - began
    # For up to a second the first two have the shares that they were made with, of one and of two.
    assert 60 * 15 // 16 <= relayed <= (60 + 30 + 20) * (1 + passed)


def test_many_channels_of_an_allocation_hoard_nothing(make_server, make_client, make_peer):
    server = make_server(limits={"unauthenticated_per_second": 0, "packets_per_second": 400})
    client, peer = make_client(of=server), make_peer()
    assert client.allocate().cls == stun.SUCCESS
    host, port = internet.name(peer)
    for n in range(100):
        assert client.channel_bind(CHANNEL + n, (host, port + n)).cls == stun.SUCCESS
        client.channel_data(CHANNEL + n, DATA)
    settled(server, "client", 100)
    # 300 are left and at least 275 of them for whichever channel wants them.
    for n in (1, 2):
        for _ in range(135):
            client.channel_data(CHANNEL + 99, DATA)
        assert settled(server, "client", 100 + n * 135) == (100 + n * 135, 0)
