# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""CreatePermission, and data with and without permission (RFC 8656 sections 9 to 11)."""

import socket

import pytest

import lab as internet
import stun
import turn

V6 = socket.AF_INET6


def test_a_permission_is_for_an_address_and_all_its_ports(allocated, make_peer):
    one, other = make_peer(), make_peer()
    assert allocated.create_permission(internet.name(one)).cls == stun.SUCCESS
    for sock in (one, other):
        sock.sendto(b"hello", allocated.relayed)
        assert allocated.receive_data() == (internet.name(sock), b"hello")
        allocated.send(internet.name(sock), b"and back")
        assert sock.recvfrom(100) == (b"and back", allocated.relayed)


def test_the_port_in_a_permission_does_not_matter(allocated, peer):
    assert allocated.create_permission((internet.name(peer)[0], 0)).cls == stun.SUCCESS
    peer.sendto(b"hello", allocated.relayed)
    assert allocated.receive_data() == (internet.name(peer), b"hello")


def test_one_request_permits_several_peers(allocated, make_peer):
    peers = [make_peer(host=n) for n in range(3)]
    assert allocated.create_permission(*map(internet.name, peers)).cls == stun.SUCCESS
    for sock in peers:
        sock.sendto(b"hello", allocated.relayed)
        assert allocated.receive_data() == (internet.name(sock), b"hello")


def test_no_peer_gets_400(allocated):
    assert allocated.create_permission().code == 400


@pytest.mark.parametrize("value", [b"", b"\0\1\0\0", b"\0\1" + bytes(5), b"\0\1" + bytes(18),
                                   b"\0\2" + bytes(6), b"\0\3" + bytes(6)])
def test_a_malformed_peer_gets_400(allocated, value):
    assert allocated.ask(stun.CREATE_PERMISSION, [(stun.XOR_PEER_ADDRESS, value)]).code == 400


def test_without_an_allocation_437(client):
    assert client.create_permission(("203.0.113.10", 1)).code == 437


def test_437_comes_before_the_attributes_are_looked_at(client):
    assert client.create_permission().code == 437


def test_by_another_user_441(allocated):
    allocated.user = "bob"
    assert allocated.create_permission(("203.0.113.10", 1)).code == 441
    allocated.user = "alice"
    assert allocated.create_permission(("203.0.113.10", 1)).cls == stun.SUCCESS


def test_an_unknown_required_attribute_gets_420(allocated):
    answer = allocated.ask(stun.CREATE_PERMISSION, [(stun.XOR_PEER_ADDRESS, ("203.0.113.10", 1)),
                                                    (0x7ABC, b"")])
    assert answer.code == 420 and answer[stun.UNKNOWN_ATTRIBUTES] == b"\x7a\xbc"


@pytest.mark.parametrize("relay, peer_ip", [(turn.WANT_IPV4, "2001:db8:3::a"),
                                            (turn.WANT_IPV6, "203.0.113.10")])
def test_a_peer_of_the_other_family_gets_443(client, relay, peer_ip):
    client.allocate(relay)
    assert client.create_permission((peer_ip, 1)).code == 443


@pytest.mark.parametrize("bad, code", [(("10.0.0.1", 1), 403), (("2001:db8:3::a", 1), 443)])
@pytest.mark.parametrize("order", [1, -1])
def test_a_request_with_one_bad_peer_permits_none(allocated, make_peer, bad, code, order):
    good, other = make_peer(host=0), make_peer(host=1)
    peers = [internet.name(good), bad][::order]
    assert allocated.create_permission(*peers).code == code
    assert allocated.create_permission(internet.name(other)).cls == stun.SUCCESS
    good.sendto(b"let me in", allocated.relayed)
    other.sendto(b"hello", allocated.relayed)
    assert allocated.receive_data() == (internet.name(other), b"hello")


def test_data_from_a_peer_without_permission_is_dropped_and_counted(server, allocated, make_peer):
    stranger, friend = make_peer(host=1), make_peer()
    allocated.create_permission(internet.name(friend))
    before = server.counters()["peer_no_permission"]
    for _ in range(10):
        stranger.sendto(b"buy this", allocated.relayed)
    friend.sendto(b"hello", allocated.relayed)
    assert allocated.receive_data() == (internet.name(friend), b"hello")
    server.expect_count("peer_no_permission", before + 10)
    stranger.setblocking(False)
    with pytest.raises(BlockingIOError):  # and no ICMP error either
        stranger.recv(100)


def test_send_to_a_peer_without_permission_is_dropped_and_counted(server, allocated, make_peer):
    stranger, friend = make_peer(host=1), make_peer()
    allocated.create_permission(internet.name(friend))
    before = server.counters()["send_no_permission"]
    for _ in range(10):
        allocated.send(internet.name(stranger), b"psst")
    allocated.send(internet.name(friend), b"hello")
    assert friend.recv(100) == b"hello"
    server.expect_count("send_no_permission", before + 10)
    stranger.setblocking(False)
    with pytest.raises(BlockingIOError):
        stranger.recv(100)


PEER = (stun.XOR_PEER_ADDRESS, ("203.0.113.10", 1))
PAYLOAD = (stun.DATA_ATTRIBUTE, b"data")
BAD_SENDS = {
    "no peer": ([PAYLOAD], "send_incomplete"),
    "no data": ([PEER], "send_incomplete"),
    "unknown required attribute": ([PEER, PAYLOAD, (0x7ABC, b"")], "send_unknown_attribute"),
    "port 0": ([(stun.XOR_PEER_ADDRESS, ("203.0.113.10", 0)), PAYLOAD], "send_invalid_peer"),
    "other family": ([(stun.XOR_PEER_ADDRESS, ("2001:db8:3::a", 1)), PAYLOAD], "send_invalid_peer"),
}


@pytest.mark.parametrize("what", BAD_SENDS)
def test_a_bad_send_indication_is_dropped_silently_and_counted(server, allocated, peer, what):
    attributes, counter = BAD_SENDS[what]
    allocated.create_permission(internet.name(peer))
    before = server.counters()[counter]
    allocated.send_raw(stun.encode(stun.SEND, stun.INDICATION, attributes))
    allocated.send(internet.name(peer), b"good")
    assert peer.recv(100) == b"good"
    server.expect_count(counter, before + 1)
    assert allocated.pending() == []


def test_of_two_peers_in_a_send_indication_the_first_counts(allocated, make_peer):
    first, second = make_peer(), make_peer()
    allocated.create_permission(internet.name(first))
    allocated.send_raw(stun.encode(stun.SEND, stun.INDICATION, [
        (stun.XOR_PEER_ADDRESS, internet.name(first)), (stun.XOR_PEER_ADDRESS,
                                                        internet.name(second)), PAYLOAD]))
    allocated.send(internet.name(second), b"last")
    assert first.recv(100) == b"data"
    assert second.recv(100) == b"last"


def test_dont_fragment_in_a_send_indication_is_known(allocated, peer):
    allocated.create_permission(internet.name(peer))
    allocated.send(internet.name(peer), b"whole", (stun.DONT_FRAGMENT, b""))
    assert peer.recv(100) == b"whole"
