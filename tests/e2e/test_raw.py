# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""`sockets: {raw: true}`: data leaves in whole frames, and what can't by UDP sockets."""

import itertools
import json
import os
import pathlib
import socket
import struct

import pytest

import stun
from flow import CHANNEL, both_ways, flow
from server import FAMILIES, wait_until

pytestmark = pytest.mark.dataplanes("sockets")

NET_RAW = 13
NAMES = {socket.AF_INET: ("snmp", "Udp:"), socket.AF_INET6: ("snmp6", "Udp6OutDatagrams")}


@pytest.fixture
def raw(make_server):
    return make_server(sockets={"raw": True})


def by_sockets(server, family):
    """How many datagrams the host's UDP sockets have sent."""
    name, word = NAMES[family]
    text = server.host.run("cat", f"/proc/net/{name}", capture_output=True, text=True).stdout
    lines = [line.split() for line in text.splitlines() if line.startswith(word)]
    if family == socket.AF_INET6:
        return int(lines[0][1])
    return int(dict(zip(*lines))["OutDatagrams"])


def settle(server, client, peer, family):
    """Until next hops are known."""
    def frames_leave():
        before = by_sockets(server, family)
        both_ways(client, peer, b"settle")
        return by_sockets(server, family) == before
    wait_until(frames_leave, 10, "frames to leave")


def until_it_arrives(client, peer):
    """Sends until something comes through. What was sent before has come by then, or never will."""
    numbers = itertools.count()

    def arrives():
        data = b"try %d" % next(numbers)
        client.channel_data(CHANNEL, data)
        try:
            while peer.recv(100) != data:
                pass
            return True
        except TimeoutError:
            return False
    peer.settimeout(0.2)
    wait_until(arrives, 10, "data at the peer")
    peer.settimeout(5)


def address_of(namespace, device):
    said = namespace.run("ip", "-json", "link", "show", "dev", device, capture_output=True, text=True).stdout
    return json.loads(said)[0]["address"]


@pytest.mark.parametrize("family", FAMILIES)
def test_data_leaves_past_the_sockets_and_what_is_too_large_by_them(raw, make_client, make_peer, family):
    family = FAMILIES[family]
    client, peer = flow(make_client, make_peer, raw, family)
    settle(raw, client, peer, family)
    before = by_sockets(raw, family), raw.counters()["relayed_to_peer"]
    for n in range(100):
        both_ways(client, peer, os.urandom(n))
    assert by_sockets(raw, family) == before[0]
    # In IPv6 a router further on may have said that this is too much for it.
    both_ways(client, peer, os.urandom(1300))
    expected = before[0] + 2 * (family == socket.AF_INET6)
    assert by_sockets(raw, family) == expected
    for _ in range(10):
        both_ways(client, peer, os.urandom(4000))
    assert by_sockets(raw, family) == expected + 20
    raw.expect_count("relayed_to_peer", before[1] + 111)
    raw.expect_count("relayed_to_client", before[1] + 111)
    counters = raw.counters()
    assert counters["relayed_to_peer"] == counters["relayed_to_client"] == before[1] + 111


@pytest.mark.parametrize("family", FAMILIES)
def test_the_frames_headers_are_what_the_rfc_says(lab, raw, make_client, make_peer, family):
    """RFC 8656 sections 13 and 14: seen on the wire between the relay and its router."""
    family = FAMILIES[family]
    client, peer = flow(make_client, make_peer, raw, family)
    settle(raw, client, peer, family)
    client.sock.setsockopt(*((socket.IPPROTO_IP, socket.IP_TOS) if family == socket.AF_INET else
                             (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)), 0xb9)
    wire = lab.router.run_inside(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    with wire:
        wire.bind((raw.host.name, 3))
        wire.settimeout(5)
        seen = []
        for n in range(3):
            data = b"whole frame %d" % n
            client.channel_data(CHANNEL, data)
            assert peer.recv(100) == data
            while True:
                frame, (*_, kind, _, _) = wire.recvfrom(2000)
                if kind != socket.PACKET_OUTGOING and frame.endswith(data):
                    break
            seen.append(frame)
    ours, theirs = address_of(raw.host, "eth0"), address_of(lab.router, raw.host.name)
    for frame in seen:
        assert frame[:12] == bytes.fromhex((theirs + ours).replace(":", ""))
        ip = frame[14:]
        if family == socket.AF_INET:
            # No options, no DF, the client's 64 less its router's hop and ours.
            assert (ip[0], ip[1], ip[6:8], ip[8], ip[9]) == (0x45, 0xb9, bytes(2), 62, 17)
            assert sum16(ip[:20]) == 0xffff
            pseudo, udp = ip[12:20] + struct.pack("!HH", 17, len(ip) - 20), ip[20:]
        else:
            first, = struct.unpack("!I", ip[:4])
            assert (first >> 20, ip[6], ip[7]) == (0x6b9, 17, 62)
            assert first & 0xfffff
            pseudo, udp = ip[8:40] + struct.pack("!II", len(ip) - 40, 17), ip[40:]
        assert udp[6:8] != bytes(2) and sum16(pseudo + udp) == 0xffff
    if family == socket.AF_INET:
        assert len({frame[18:20] for frame in seen}) == 3, "identifications of what may be fragmented"


def sum16(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return total


def test_a_next_hop_that_moves_is_followed(lab, raw, make_client, make_peer):
    client, peer = flow(make_client, make_peer, raw)
    settle(raw, client, peer, socket.AF_INET)
    lab.router.ip(f"link set dev {raw.host.name} address 02:00:00:00:77:01")
    gateway = str(raw.host.v4net[1])
    raw.host.ip(f"neigh replace {gateway} lladdr 02:00:00:00:77:01 dev eth0 nud reachable")

    until_it_arrives(client, peer)
    settle(raw, client, peer, socket.AF_INET)


def test_the_capability_is_given_up(raw):
    pid = raw.processes()["turnpike-kernel"]
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        text = (thread / "status").read_text(encoding="ascii")
        held = next(line for line in text.splitlines() if line.startswith("CapPrm:")).split()[1]
        assert not int(held, 16) >> NET_RAW & 1, text
    assert [line for line in raw.log if line == "turnpike-kernel: eth0: sends by packet sockets."]


def test_a_restarted_dataplane_sends_frames_again(raw, make_client, make_peer):
    client, peer = flow(make_client, make_peer, raw)
    settle(raw, client, peer, socket.AF_INET)
    pid = raw.kill("turnpike-kernel")
    raw.restarted("turnpike-kernel", pid)
    until_it_arrives(client, peer)
    settle(raw, client, peer, socket.AF_INET)


def test_two_clients_of_one_relay_reach_each_other(raw, make_client):
    """Never by a frame: nobody on the wire would bring it back."""
    one, other = make_client(of=raw), make_client(of=raw)
    for client in (one, other):
        assert client.allocate().cls == stun.SUCCESS
    for client, to in ((one, other), (other, one)):
        assert client.channel_bind(CHANNEL, to.relayed).cls == stun.SUCCESS
    for n in range(20):
        one.channel_data(CHANNEL, b"there %d" % n)
        assert other.receive_channel_data() == (CHANNEL, b"there %d" % n)
        other.channel_data(CHANNEL, b"back %d" % n)
        assert one.receive_channel_data() == (CHANNEL, b"back %d" % n)
