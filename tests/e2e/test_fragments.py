# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Fragments and what is too big, whole frames on the relay's wire (RFC 8656 sections 13 and 14).

Sockets leave fragments to the kernel and see no DF: this is about turnpike-dpdk.
"""

import os
import socket
import struct

import pytest

import frames
import lab as internet
import stun
import turn
from server import FAMILIES
from test_relay import MTU_DISCOVER, PROBE

pytestmark = pytest.mark.dataplanes("dpdk")

CHANNEL, MTU, DONT = 0x4000, 1500, 0
MORE = 1  # of IPv4's flags


@pytest.fixture(params=[(c, r) for c in FAMILIES for r in FAMILIES], ids="-".join)
def path(request, make_client, make_peer):
    client_family, relay_family = (FAMILIES[f] for f in request.param)
    client, peer = make_client(client_family), make_peer(relay_family)
    assert client.allocate(turn.want(relay_family)).cls == stun.SUCCESS
    assert client.channel_bind(CHANNEL, internet.name(peer)).cls == stun.SUCCESS
    return client, peer


@pytest.fixture
def capture(lab, server):
    it = frames.Capture(lab.router, server.host.name)
    yield it
    it.close()


def expected(frame, source, destination, datagram, ttl):
    """The frames of a datagram in fragments; link-layer header, ID and label are those of `frame`."""
    out, offset = [], 0
    if ":" in source:
        ident, size = frame[58:62], (1280 - 48) & ~7
    else:
        ident, size = struct.unpack("!H", frame[18:20])[0], (MTU - 20) & ~7
    while offset < len(datagram):
        part = datagram[offset:offset + size]
        more = offset + len(part) < len(datagram)
        if ":" in source:
            label = int.from_bytes(frame[14:18], "big") & 0xFFFFF
            header = struct.pack("!BBH", 17, 0, offset | more) + ident
            packet = frames.ip6(source, destination, hops=ttl, following=44, label=label,
                                data=header + part)
        else:
            packet = frames.ip4(source, destination, ident=ident, flags=MORE if more else 0,
                                offset=offset, ttl=ttl, protocol=17, data=part)
        out.append(frame[:14] + packet)
        offset += len(part)
    return out


def compare(capture, source, destination, payload, ttl=62):
    """Takes the fragments of one datagram from the wire and compares whole frames."""
    datagram = frames.udp(source, destination, payload)
    wanted = frames.between(source[0], destination[0])
    first = capture.take(wanted, 1)
    frames_due = expected(first[0], source[0], destination[0], datagram, ttl)
    got = first + capture.take(wanted, len(frames_due) - 1)
    assert [f.hex() for f in got] == [f.hex() for f in frames_due]
    return got


def link_header(lab, server):
    """Towards the router: its address, then the relay's."""
    from test_exception import link_address
    from wire import EXCEPTION
    return bytes.fromhex((link_address(lab.router, server.host.name) +
                          link_address(server.host, EXCEPTION)).replace(":", ""))


def test_channel_data_in_fragments_reaches_the_peer_in_fragments(lab, server, path, capture):
    client, peer = path
    data = os.urandom(4000)
    client.channel_data(CHANNEL, data)
    got = compare(capture, client.relayed, internet.name(peer), data)
    assert {frame[:12] for frame in got} == {link_header(lab, server)}
    assert peer.recv(65535) == data


def test_peer_data_in_fragments_reaches_the_client_in_fragments(server, path, capture):
    client, peer = path
    data = os.urandom(4000)
    peer.sendto(data, client.relayed)
    compare(capture, client.server, client.address, struct.pack("!HH", CHANNEL, 4000) + data)
    assert client.receive_channel_data() == (CHANNEL, data)


def test_peer_data_without_df_that_grows_beyond_the_mtu_is_fragmented(
        make_client, make_peer, capture):
    client, peer = make_client(), make_peer()
    assert client.allocate().cls == stun.SUCCESS
    assert client.channel_bind(CHANNEL, internet.name(peer)).cls == stun.SUCCESS
    peer.setsockopt(*MTU_DISCOVER[peer.family], DONT)
    data = os.urandom(1472)
    capture.skip()
    peer.sendto(data, client.relayed)
    compare(capture, client.server, client.address, struct.pack("!HH", CHANNEL, 1472) + data)
    assert client.receive_channel_data() == (CHANNEL, data)


def told(capture, relay, host):
    """(type, code, MTU, what it is about) of the ICMP error that the relay sends."""
    def wanted(frame):
        where = 34 if frame[12:14] == b"\x08\x00" else 54
        protocol = frame[23] if where == 34 else frame[20]
        return frames.between(relay, host)(frame) and (where, protocol) in ((34, 1), (54, 58)) \
            and frame[where] in (2, 3)
    frame, = capture.take(wanted, 1)
    where = 34 if frame[12:14] == b"\x08\x00" else 54
    icmp = frame[where:]
    pseudo = b"" if where == 34 else frame[22:54] + struct.pack("!IHH", len(icmp), 0, 58)
    assert frames.ones_sum(pseudo + icmp) == 0xFFFF, f"checksum of {frame.hex()}"
    if where == 34:
        assert frames.ones_sum(frame[14:34]) == 0xFFFF, f"header checksum of {frame.hex()}"
    return icmp[0], icmp[1], struct.unpack("!I", icmp[4:8])[0], icmp[8:]


# To the peer, room for a Data indication is left: 48 bytes; a change of family takes or gives 20.
REPORTED = {("v4", "v4"): 1452, ("v6", "v4"): 1432, ("v6", "v6"): 1452, ("v4", "v6"): 1472}


def test_peer_data_that_must_not_be_fragmented_is_refused_and_the_peer_told(
        request, server, path, make_peer, capture):
    client, bound = path
    kinds = tuple("v6" if s.family == socket.AF_INET6 else "v4" for s in (client.sock, bound))
    peer = make_peer(bound.family)  # gets Data indications
    peer.setsockopt(*MTU_DISCOVER[peer.family], PROBE)
    size = 1472 if kinds[1] == "v4" else 1452
    before = server.counters()
    peer.sendto(b"\xa5" * size, client.relayed)
    kind, code, mtu, about = told(capture, client.relayed[0], internet.name(peer)[0])
    assert (kind, code) == ((3, 4) if kinds[1] == "v4" else (2, 0))
    assert mtu == REPORTED[kinds]
    # What it is about: the datagram as it came, a hop later.
    skip = 20 if kinds[1] == "v4" else 40
    assert about[skip:skip + 4] == struct.pack("!HH", internet.name(peer)[1], client.relayed[1])
    # One that fits by what was told gets through, the other didn't.
    fits = bytes(mtu - skip - 8)
    peer.sendto(fits, client.relayed)
    assert client.receive_data() == (internet.name(peer), fits)
    for name in ("peer_tx_too_big", "icmp_errors_sent"):
        server.expect_count(name, before[name] + 1)


def test_channel_data_that_must_not_be_fragmented_is_refused_and_the_client_told(
        server, make_client, make_peer, capture):
    client, peer = make_client(), make_peer(socket.AF_INET6)
    assert client.allocate(turn.WANT_IPV6).cls == stun.SUCCESS
    assert client.channel_bind(CHANNEL, internet.name(peer)).cls == stun.SUCCESS
    client.sock.setsockopt(*MTU_DISCOVER[socket.AF_INET], PROBE)
    client.channel_data(CHANNEL, bytes(1468))
    kind, code, mtu, about = told(capture, client.server[0], client.address[0])
    assert (kind, code, mtu) == (3, 4, 1480)
    assert about[20:24] == struct.pack("!HH", client.address[1], 3478)
    client.channel_data(CHANNEL, bytes(1480 - 28 - 4))
    assert peer.recv(2000) == bytes(1480 - 28 - 4)
