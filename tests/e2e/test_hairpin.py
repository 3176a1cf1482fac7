# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Relay to relay on one server, plain and behind a 1:1 NAT (`external`)."""

import socket

import pytest

import lab as internet
import stun
import turn
from server import FAMILIES


def pair(make_client, family, of=None):
    clients = [make_client(family, user=user, of=of) for user in ("alice", "bob")]
    for client in clients:
        assert client.allocate(turn.want(family)).cls == stun.SUCCESS
    return clients


def indications(alice, bob):
    """Data in both directions, without channels."""
    for one, other in ((alice, bob), (bob, alice)):
        assert one.create_permission(other.relayed).cls == stun.SUCCESS
    for one, other in ((alice, bob), (bob, alice)):
        one.send(other.relayed, b"hello, neighbour")
        assert other.receive_data() == (one.relayed, b"hello, neighbour")


def channels(alice, bob):
    for one, other in ((alice, bob), (bob, alice)):
        assert one.channel_bind(0x4ABC, other.relayed).cls == stun.SUCCESS
    for size in (0, 1, 1200, 1472, 4000):
        for one, other in ((alice, bob), (bob, alice)):
            one.channel_data(0x4ABC, bytes(size))
            assert other.receive_channel_data() == (0x4ABC, bytes(size))


@pytest.mark.parametrize("family", FAMILIES)
def test_two_clients_of_a_relay_reach_each_other(server, make_client, family):
    before = server.counters()["hairpinned"]
    for _ in range(8):  # whichever workers they come to
        alice, bob = pair(make_client, FAMILIES[family])
        indications(alice, bob)
        channels(alice, bob)
    server.expect_count("hairpinned", before + 8 * 12)


def test_a_client_reaches_itself(allocated):
    assert allocated.create_permission(allocated.relayed).cls == stun.SUCCESS
    allocated.send(allocated.relayed, b"echo")
    assert allocated.receive_data() == (allocated.relayed, b"echo")


def test_the_other_sides_permission_is_needed(server, make_client):
    alice, bob = pair(make_client, socket.AF_INET)
    before = server.counters()["peer_no_permission"]
    alice.create_permission(bob.relayed)
    alice.send(bob.relayed, b"unasked for")
    assert bob.binding().cls == stun.SUCCESS
    server.expect_count("peer_no_permission", before + 1)
    assert bob.pending() == []


def test_what_goes_to_a_deleted_allocation_is_counted(server, make_client):
    alice, bob = pair(make_client, socket.AF_INET)
    alice.create_permission(bob.relayed)
    before = server.counters()["hairpin_no_allocation"]
    assert bob.refresh(0).lifetime == 0
    alice.send(bob.relayed, b"gone?")
    server.expect_count("hairpin_no_allocation", before + 1)


def test_the_servers_own_port_is_not_reached_through_it(server, make_client):
    alice, bob = pair(make_client, socket.AF_INET)
    assert alice.create_permission(bob.relayed).cls == stun.SUCCESS  # the address, all its ports
    before = server.counters()["hairpin_no_allocation"]
    alice.send(server.address(socket.AF_INET), stun.encode(stun.BINDING, stun.REQUEST))
    server.expect_count("hairpin_no_allocation", before + 1)
    assert alice.pending() == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("form", ["public", "local"])
def test_behind_a_nat_the_public_address_is_told_and_both_forms_hairpin(
        relay, make_server, make_client, family, form):
    server = make_server(external=[{"public": relay.public4, "local": relay.v4[0]},
                                   {"public": relay.public6, "local": relay.v6[0]}])
    family = FAMILIES[family]
    public = relay.public6 if family == socket.AF_INET6 else relay.public4
    alice, bob = pair(make_client, family, server)
    assert {alice.relayed[0], bob.relayed[0]} == {public}
    if form == "local":
        for client in (alice, bob):
            client.relayed = (server.host.address(family), client.relayed[1])
    for one, other in ((alice, bob), (bob, alice)):
        assert one.create_permission(other.relayed).cls == stun.SUCCESS
        assert one.create_permission((public, other.relayed[1])).cls == stun.SUCCESS
    for one, other in ((alice, bob), (bob, alice)):
        one.send(other.relayed, b"hello")
        # The source is what that client was told, however it was addressed.
        assert other.receive_data() == ((public, one.relayed[1]), b"hello")
    if form == "public":
        channels(alice, bob)


def test_behind_a_nat_peers_elsewhere_are_reached_from_the_local_address(
        relay, make_server, make_client, peer):
    server = make_server(external=[{"public": relay.public4, "local": relay.v4[0]}])
    client = make_client(of=server)
    assert client.allocate().cls == stun.SUCCESS
    client.create_permission(internet.name(peer))
    client.send(internet.name(peer), b"out")
    assert peer.recvfrom(100) == (b"out", (relay.v4[0], client.relayed[1]))
    peer.sendto(b"back", (relay.v4[0], client.relayed[1]))
    assert client.receive_data() == (internet.name(peer), b"back")
