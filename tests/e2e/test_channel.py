# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""ChannelBind (RFC 8656 section 12)."""

import struct

import pytest

import lab as internet
import stun
import turn

PEER = ("203.0.113.10", 9)


def bind(client, *attributes):
    return client.ask(stun.CHANNEL_BIND, attributes)


def number(value):
    return stun.CHANNEL_NUMBER, struct.pack("!HH", value, 0)


@pytest.mark.parametrize("channel", [0x4000, 0x4ABC, 0x4FFF])
def test_a_channel_carries_data_both_ways_and_permits_its_peer(allocated, make_peer, channel):
    peer, neighbour = make_peer(), make_peer()
    assert allocated.channel_bind(channel, internet.name(peer)).cls == stun.SUCCESS
    allocated.channel_data(channel, b"out")
    assert peer.recvfrom(100) == (b"out", allocated.relayed)
    peer.sendto(b"back", allocated.relayed)
    assert allocated.receive_channel_data() == (channel, b"back")
    # The permission is for the address; the channel for the port too.
    neighbour.sendto(b"me too", allocated.relayed)
    assert allocated.receive_data() == (internet.name(neighbour), b"me too")


@pytest.mark.parametrize("channel", [0x0000, 0x0001, 0x3FFF, 0x5000, 0x7FFF, 0x8000, 0xFFFF])
def test_a_number_out_of_range_gets_400(allocated, channel):
    assert allocated.channel_bind(channel, PEER).code == 400


def test_older_clients_numbers_are_taken_where_configured(make_server, make_client, make_peer):
    server = make_server(channel_numbers="rfc5766")
    client = make_client(of=server)
    client.allocate()
    for channel in (0x4000, 0x5000, 0x7FFF):
        peer = make_peer()
        assert client.channel_bind(channel, internet.name(peer)).cls == stun.SUCCESS
        client.channel_data(channel, b"out")
        assert peer.recv(100) == b"out"
        peer.sendto(b"back", client.relayed)
        assert client.receive_channel_data() == (channel, b"back")
    for channel in (0x3FFF, 0x8000):
        assert client.channel_bind(channel, PEER).code == 400


INCOMPLETE = {
    "nothing": [],
    "no number": [(stun.XOR_PEER_ADDRESS, PEER)],
    "no peer": [number(0x4000)],
    "short number": [(stun.CHANNEL_NUMBER, b"\x40\x00"), (stun.XOR_PEER_ADDRESS, PEER)],
    "long number": [(stun.CHANNEL_NUMBER, b"\x40\x00" + bytes(6)), (stun.XOR_PEER_ADDRESS, PEER)],
    "malformed peer": [number(0x4000), (stun.XOR_PEER_ADDRESS, b"\0\1\0\0")],
}


@pytest.mark.parametrize("what", INCOMPLETE)
def test_an_incomplete_request_gets_400(allocated, what):
    assert bind(allocated, *INCOMPLETE[what]).code == 400


def test_a_bound_number_is_not_bound_to_another_peer(allocated, make_peer):
    one, other = make_peer(), make_peer()
    assert allocated.channel_bind(0x4000, internet.name(one)).cls == stun.SUCCESS
    assert allocated.channel_bind(0x4000, internet.name(other)).code == 400
    allocated.channel_data(0x4000, b"still yours")
    assert one.recv(100) == b"still yours"


def test_a_bound_peer_does_not_get_another_number(allocated, peer):
    assert allocated.channel_bind(0x4000, internet.name(peer)).cls == stun.SUCCESS
    assert allocated.channel_bind(0x4001, internet.name(peer)).code == 400
    peer.sendto(b"back", allocated.relayed)
    assert allocated.receive_channel_data() == (0x4000, b"back")


def test_two_ports_of_an_address_have_a_channel_each(allocated, make_peer):
    peers = {0x4000: make_peer(), 0x4001: make_peer()}
    for channel, peer in peers.items():
        assert allocated.channel_bind(channel, internet.name(peer)).cls == stun.SUCCESS
    for channel, peer in peers.items():
        allocated.channel_data(channel, b"out")
        assert peer.recv(100) == b"out"
        peer.sendto(b"back", allocated.relayed)
        assert allocated.receive_channel_data() == (channel, b"back")


def test_the_same_binding_again_is_a_refresh(allocated, peer):
    for _ in range(3):
        assert allocated.channel_bind(0x4000, internet.name(peer)).cls == stun.SUCCESS
    allocated.channel_data(0x4000, b"out")
    assert peer.recv(100) == b"out"


def test_a_retransmitted_request_succeeds_again(allocated, peer):
    request = allocated.request(stun.CHANNEL_BIND, [number(0x4000),
                                                    (stun.XOR_PEER_ADDRESS, internet.name(peer))])
    assert [allocated.transact(request).cls for _ in range(3)] == [stun.SUCCESS] * 3


def test_the_numbers_of_two_clients_are_their_own(make_client, make_peer):
    clients = [make_client(), make_client()]
    peers = [make_peer(), make_peer()]
    for client, peer in zip(clients, peers):
        client.allocate()
        assert client.channel_bind(0x4000, internet.name(peer)).cls == stun.SUCCESS
    for client, peer in zip(clients, peers):
        client.channel_data(0x4000, b"out")
        assert peer.recvfrom(100) == (b"out", client.relayed)


def test_what_a_permission_gave_becomes_channel_data_once_bound(allocated, peer):
    allocated.create_permission(internet.name(peer))
    peer.sendto(b"first", allocated.relayed)
    assert allocated.receive_data() == (internet.name(peer), b"first")
    allocated.channel_bind(0x4000, internet.name(peer))
    peer.sendto(b"second", allocated.relayed)
    assert allocated.receive_channel_data() == (0x4000, b"second")
    # A Send indication to the same peer is still relayed (section 12.6).
    allocated.send(internet.name(peer), b"third")
    assert peer.recv(100) == b"third"


def test_a_failed_binding_leaves_neither_channel_nor_permission(server, allocated, make_peer):
    one, other = make_peer(host=0), make_peer(host=1)
    allocated.channel_bind(0x4000, internet.name(one))
    assert allocated.channel_bind(0x4000, internet.name(other)).code == 400
    other.sendto(b"let me in", allocated.relayed)
    one.sendto(b"mine", allocated.relayed)
    assert allocated.receive_channel_data() == (0x4000, b"mine")


# The order of checks.

def test_without_an_allocation_437(client):
    assert client.channel_bind(0x4000, PEER).code == 437
    assert bind(client).code == 437


def test_by_another_user_441(allocated):
    allocated.user = "bob"
    assert allocated.channel_bind(0x4000, PEER).code == 441


@pytest.mark.parametrize("relay, ip", [(turn.WANT_IPV4, "2001:db8:3::a"),
                                       (turn.WANT_IPV6, "203.0.113.10")])
def test_a_peer_of_the_other_family_gets_443(client, relay, ip):
    client.allocate(relay)
    assert client.channel_bind(0x4000, (ip, 9)).code == 443


def test_a_number_out_of_range_comes_before_a_denied_peer(allocated):
    assert allocated.channel_bind(0x5000, ("10.0.0.1", 9)).code == 400


def test_a_conflict_comes_before_a_denied_peer(allocated):
    allocated.channel_bind(0x4000, PEER)
    assert allocated.channel_bind(0x4000, ("10.0.0.1", 9)).code == 400


def test_an_unknown_required_attribute_gets_420(allocated):
    answer = bind(allocated, number(0x4000), (stun.XOR_PEER_ADDRESS, PEER), (0x7ABC, b""))
    assert answer.code == 420 and answer[stun.UNKNOWN_ATTRIBUTES] == b"\x7a\xbc"


# ChannelData that is not relayed.

BAD_DATA = {
    "unbound": (struct.pack("!HH", 0x4001, 4) + b"data", "channel_unbound"),
    "shorter than it says": (struct.pack("!HH", 0x4000, 5) + b"data", "channel_malformed"),
    "half a header": (struct.pack("!H", 0x4000), "channel_malformed"),
}


@pytest.mark.parametrize("what", BAD_DATA)
def test_bad_channel_data_is_dropped_silently_and_counted(server, allocated, peer, what):
    data, counter = BAD_DATA[what]
    allocated.channel_bind(0x4000, internet.name(peer))
    before = server.counters()[counter]
    allocated.send_raw(data)
    allocated.channel_data(0x4000, b"good")
    assert peer.recv(100) == b"good"
    server.expect_count(counter, before + 1)
    assert allocated.pending() == []
