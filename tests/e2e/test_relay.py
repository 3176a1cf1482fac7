# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Relaying, in every mix of client and relay family (RFC 8656 sections 11 to 13)."""

import os
import socket
import struct

import pytest

import lab as internet
import stun
import turn
from flow import CHANNEL, settle
from server import DATAPLANE, FAMILIES


@pytest.fixture(params=[(c, r) for c in FAMILIES for r in FAMILIES], ids="-".join)
def path(request, make_client, make_peer):
    """A client with an allocation, and a peer bound to a channel: each mix of families."""
    client_family, relay_family = (FAMILIES[f] for f in request.param)
    client, peer = make_client(client_family), make_peer(relay_family)
    assert client.allocate(turn.want(relay_family)).cls == stun.SUCCESS
    assert client.channel_bind(CHANNEL, internet.name(peer)).cls == stun.SUCCESS
    learn_mtu(client, client.sock, lambda size: client.channel_data(CHANNEL, bytes(size - 4)))
    learn_mtu(client, peer, lambda size: peer.sendto(bytes(size), client.relayed))
    client.channel_data(CHANNEL, b"over")
    while peer.recv(2000) != b"over":
        pass
    return client, peer


@pytest.fixture
def unbound(path, make_peer):
    """The same client with a peer that has a permission and no channel."""
    client, bound = path
    peer = make_peer(bound.family)
    learn_mtu(client, peer, lambda size: peer.sendto(bytes(size), client.relayed))
    client.send(internet.name(peer), b"over")
    assert peer.recv(2000) == b"over"
    return client, peer


MTU_DISCOVER = {socket.AF_INET: (socket.IPPROTO_IP, 10), socket.AF_INET6: (socket.IPPROTO_IPV6, 23)}
WANT, PROBE = 1, 3


def learn_mtu(client, sock, send):
    """Lets a host learn what size fits, as senders of DF and of IPv6 have to (RFC 8656 section 13).

    A dataplane that sees DF refuses what would not fit once relayed, and says what does. What it
    says precedes what comes after it. Sockets see no DF and refuse nothing, and what an XDP program
    leaves to them may be overtaken by what it does not.
    """
    if DATAPLANE != "dpdk":
        return
    sock.setsockopt(*MTU_DISCOVER[sock.family], PROBE)
    send(1472 if sock.family == socket.AF_INET else 1452)
    sock.setsockopt(*MTU_DISCOVER[sock.family], WANT)
    send(8)
    if sock is client.sock:
        assert client.binding().cls == stun.SUCCESS
    else:
        while len(client.receive()) > 100:
            pass


def out(client, peer, data, tail=b""):
    client.channel_data(CHANNEL, data, tail)
    got, source = peer.recvfrom(65535)
    assert (got, source[:2]) == (data, client.relayed)


def back(client, peer, data):
    peer.sendto(data, client.relayed)
    assert client.receive_channel_data() == (CHANNEL, data)


def test_every_payload_size_goes_both_ways_in_a_channel(path):
    client, peer = path
    for size in range(1473):
        data = os.urandom(size)
        out(client, peer, data)
        back(client, peer, data)


def test_every_payload_size_goes_both_ways_in_indications(unbound):
    client, peer = unbound
    for size in range(0, 1473):
        data = os.urandom(size)
        client.send(internet.name(peer), data)
        got, source = peer.recvfrom(65535)
        assert (got, source[:2]) == (data, client.relayed)
        peer.sendto(data, client.relayed)
        assert client.receive_data() == (internet.name(peer), data)


def test_a_datagram_beyond_the_mtu_goes_both_ways_in_a_channel(path):
    client, peer = path
    data = os.urandom(4000)
    out(client, peer, data)
    back(client, peer, data)


def test_a_datagram_beyond_the_mtu_goes_both_ways_in_indications(unbound):
    client, peer = unbound
    data = os.urandom(4000)
    client.send(internet.name(peer), data)
    assert peer.recv(65535) == data
    peer.sendto(data, client.relayed)
    assert client.receive_data() == (internet.name(peer), data)


@pytest.mark.parametrize("size", range(8))
@pytest.mark.parametrize("tail", [1, 2, 3, 100])
def test_padding_is_accepted_and_not_relayed(path, size, tail):
    client, peer = path
    out(client, peer, os.urandom(size), tail=bytes(tail))


def test_a_data_indication_has_peer_and_data_and_nothing_more(unbound):
    client, peer = unbound
    peer.sendto(b"12345", client.relayed)
    message = stun.parse(client.receive())
    assert sorted(message.types()) == [stun.XOR_PEER_ADDRESS, stun.DATA_ATTRIBUTE]
    assert (message.method, message.cls) == (stun.DATA, stun.INDICATION)


def test_data_indications_differ_in_their_transaction_ids(unbound):
    client, peer = unbound
    for _ in range(8):
        peer.sendto(b"12345", client.relayed)
    assert len({stun.parse(client.receive()).tid for _ in range(8)}) == 8


@pytest.fixture
def one_cpu():
    """Frames of a sender that moves to another CPU overtake each other in the virtual wires' queues."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    yield
    os.sched_setaffinity(0, allowed)


@pytest.mark.usefixtures("one_cpu")
def test_the_order_of_a_flow_is_kept(server, path):
    client, peer = path
    if DATAPLANE == "xdp":
        # Until a next hop is known sockets relay, and what comes next may overtake what they still hold.
        settle(server, client, peer)
    for burst in range(20):
        numbers = range(50 * burst, 50 * burst + 50)
        for n in numbers:
            client.channel_data(CHANNEL, struct.pack("!I", n))
            peer.sendto(struct.pack("!I", n), client.relayed)
        assert [struct.unpack("!I", peer.recv(100))[0] for _ in numbers] == list(numbers)
        assert [struct.unpack("!I", client.receive_channel_data()[1])[0]
                for _ in numbers] == list(numbers)


# What becomes of the IP header. The router takes one hop of each leg, the relay one.

def set_ip(sock, ttl=None, tos=None):
    level, ttl_name, tos_name = (
        (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, socket.IPV6_TCLASS)
        if sock.family == socket.AF_INET6 else (socket.IPPROTO_IP, socket.IP_TTL, socket.IP_TOS))
    if ttl is not None:
        sock.setsockopt(level, ttl_name, ttl)
    if tos is not None:
        sock.setsockopt(level, tos_name, tos)


IP_RECVTTL, IP_RECVTOS = 12, 13


def ask_for_ip(sock):
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTOS, 1)


def receive_ip(sock):
    """(TTL or hop limit, TOS or traffic class) of the next datagram."""
    control = {kind: int.from_bytes(value, "little")
               for _, kind, value in sock.recvmsg(2048, 256)[1]}
    if sock.family == socket.AF_INET6:
        return control[socket.IPV6_HOPLIMIT], control[socket.IPV6_TCLASS]
    return control[socket.IP_TTL], control[socket.IP_TOS]


@pytest.mark.parametrize("ttl, tos", [(64, 0xB8), (200, 0x02), (100, 0xBB), (4, 0x01), (255, 0)])
def test_the_relay_takes_a_hop_and_copies_dscp_and_ecn(path, ttl, tos):
    client, peer = path
    for sock in (client.sock, peer):
        ask_for_ip(sock)
        set_ip(sock, ttl, tos)
    client.channel_data(CHANNEL, b"out")
    assert receive_ip(peer) == (ttl - 3, tos)
    peer.sendto(b"back", client.relayed)
    assert receive_ip(client.sock) == (ttl - 3, tos)


def test_send_and_data_indications_take_a_hop_and_copy_dscp_and_ecn(unbound):
    client, peer = unbound
    for sock in (client.sock, peer):
        ask_for_ip(sock)
        set_ip(sock, 64, 0xB9)
    client.send(internet.name(peer), b"out")
    assert receive_ip(peer) == (61, 0xB9)
    peer.sendto(b"back", client.relayed)
    assert receive_ip(client.sock) == (61, 0xB9)


def test_one_packets_header_does_not_stick_to_the_next(path):
    client, peer = path
    ask_for_ip(peer)
    for ttl, tos in ((64, 0xB8), (128, 0), (50, 3), (128, 0)):
        set_ip(client.sock, ttl, tos)
        client.channel_data(CHANNEL, b"out")
    assert [receive_ip(peer) for _ in range(4)] == [(61, 0xB8), (125, 0), (47, 3), (125, 0)]


def test_the_last_hop_ends_at_the_relay_and_is_counted(server, path):
    client, peer = path
    before = server.counters()
    for sock in (client.sock, peer):
        set_ip(sock, ttl=2)
    client.channel_data(CHANNEL, b"too far")
    peer.sendto(b"too far", client.relayed)
    for sock in (client.sock, peer):
        set_ip(sock, ttl=64)
    out(client, peer, b"near enough")
    back(client, peer, b"near enough")
    for name in ("client_ttl_expired", "peer_ttl_expired"):
        server.expect_count(name, before[name] + 1)


# ICMP (RFC 8656 sections 11.5 and 18.13).

ICMP_VALUE = {  # 16 bits reserved, type in 7, code in 9, error data
    socket.AF_INET: struct.pack("!HHI", 0, 3 << 9 | 3, 0),
    socket.AF_INET6: struct.pack("!HHI", 0, 1 << 9 | 4, 0),
}


@pytest.mark.parametrize("how", ["channel", "indication"])
def test_a_closed_port_at_the_peer_comes_as_a_data_indication_with_icmp(path, how):
    client, peer = path
    gone = internet.name(peer)
    peer.close()
    if how == "channel":
        client.channel_data(CHANNEL, b"anyone?")
    else:
        client.send(gone, b"anyone?")
    message = stun.parse(client.receive())
    assert (message.method, message.cls) == (stun.DATA, stun.INDICATION)
    assert sorted(message.types()) == [stun.XOR_PEER_ADDRESS, stun.ICMP]
    assert message.address(stun.XOR_PEER_ADDRESS) == gone
    assert message[stun.ICMP] == ICMP_VALUE[peer_family(client)]


def peer_family(client):
    return socket.AF_INET6 if ":" in client.relayed[0] else socket.AF_INET


def test_after_an_icmp_error_data_flows_on(path, make_peer):
    client, peer = path
    other = make_peer(peer.family)
    gone = make_peer(peer.family)
    address = internet.name(gone)
    gone.close()
    for n in range(20):
        client.send(address, b"anyone?")
        client.send(internet.name(other), b"you?")
        assert other.recv(100) == b"you?"
        out(client, peer, bytes([n]))
    # Nothing but ICMP came in between.
    peer.sendto(b"back", client.relayed)
    got = client.receive()
    while stun.ICMP in (message := stun.parse(got) if got[0] < 4 else ()):
        assert message.address(stun.XOR_PEER_ADDRESS) == address
        got = client.receive()
    assert got == struct.pack("!HH", CHANNEL, 4) + b"back"
