# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Datagrams of all sizes to the largest there are, and fragments that never become one: the server
lives, serves the honest, and its sums hold."""

import os
import socket
import struct

import pytest

import frames
from rfc import message
from rfc import numbers as n
from server import DATAPLANE, wait_until
from test_hostile import CHANNEL, scene, sums_hold  # noqa: F401 (a fixture)

SIZES = (1471, 1472, 1473, 2000, 2048, 4096, 9000, 16384, 32768, 65000, 65506, 65507)
LARGEST_WHOLE = 9000
HEADER = 20


def oversized(sender, size):
    """Messages of exactly so many bytes, or the most of them that is a multiple of 4."""
    room = size - HEADER & ~3
    yield os.urandom(1).replace(b"\0", b"\1") + bytes(size - 1)
    yield b"\0\1" + bytes(size - 2)  # no cookie
    yield message.build(n.BINDING, n.REQUEST, [(0xFABC, bytes(room - 4))])
    yield message.build(n.BINDING, n.REQUEST, [(0x7ABC, b"")] * (room // 4))
    yield message.build(n.BINDING, n.REQUEST, [(0xFABC, b"")] * (room // 4))
    yield message.build(n.ALLOCATE, n.REQUEST, [(n.USERNAME, bytes(room - 4))])
    yield sender.message(n.CREATE_PERMISSION, change=lambda parts: parts[:1] * max(
        (room - 400) // 12, 1) + parts[1:])
    yield sender.message(n.REFRESH, change=lambda parts: parts + [(0xFABC, bytes(room - 400))])
    yield message.build(n.SEND, n.INDICATION, [*sender.parts(n.SEND, bytes(12))[:1],
                                               (n.DATA_VALUE, bytes(room - 16))], bytes(12))
    yield struct.pack("!HH", CHANNEL, size - 4) + bytes(size - 4)
    yield struct.pack("!HH", CHANNEL, 0xFFFF) + bytes(size - 4)


@pytest.mark.parametrize("who", ["stranger", "newcomer", "member"])
def test_no_size_does_harm(scene, who):  # noqa: F811
    client, sender = scene.sender(who)
    before, sent = scene.server.counters(), 0
    for size in SIZES:
        for raw in oversized(sender, size):
            client.send(raw[:65507])
            # There is an answer to what comes next: none of these holds the server up.
            last = message.build(n.BINDING, n.REQUEST)
            client.send(last)
            sent += 2
            while (answer := client.receive(20)) is not None and answer[8:20] != last[8:20]:
                assert answer[0] >= 0x40 or message.read(answer)
            assert answer is not None, size
        scene.honest_call()
        sent += 2
        scene.drain()

    # Those of many fragments are not put together by a frame dataplane.
    large = sum(1 for size in SIZES if size > LARGEST_WHOLE for _ in oversized(sender, size))
    due = sent - large if DATAPLANE == "dpdk" else sent

    def arrived():
        return scene.server.counters()["client_packets"] - before["client_packets"]
    wait_until(lambda: arrived() == due, what=f"{due} accounted for, are {arrived()}")
    if due < sent:
        dropped = scene.server.counters()["fragment_dropped"] - before["fragment_dropped"]
        assert dropped >= large
    sums_hold(scene.server.counters())
    assert len(scene.server.ctl("allocations")["allocations"]) == 2


def pieces(version, source, destination, number):
    """Fragments of a datagram that never comes whole: first, middle, last, far out, overlapping."""
    if version == 6:
        for offset, more, size in ((0, 1, 1232), (1232, 1, 1232), (2464, 0, 8), (65528, 0, 7),
                                   (8, 1, 16), (0, 1, 8)):
            yield frames.ip6(source, destination, hops=60, following=44, data=struct.pack(
                "!BBHI", 17, 0, offset | more, number) + os.urandom(size))
        return
    for offset, more, size in ((0, 1, 1480), (1480, 1, 1480), (2960, 0, 8), (65528, 0, 7), (8, 1, 16),
                               (0, 1, 8)):
        yield frames.ip4(source, destination, ident=number & 0xFFFF, flags=more, offset=offset,
                         ttl=60, protocol=17, data=os.urandom(size))


@pytest.mark.parametrize("version", [4, 6])
def test_pieces_without_a_whole_hold_nobody(scene, lab, version):  # noqa: F811
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    us, them = scene.server.address(family)[0], lab.client.address(family)
    capture = frames.Capture(lab.router, scene.server.host.name)
    probe = lab.client.udp(them)
    try:
        probe.sendto(message.build(n.BINDING, n.REQUEST), (us, 3478))
        link = capture.take(frames.between(them, us), 1, 20)[0][:14]
        for number in range(300):
            # One piece of each kind, of as many datagrams: none of them will be whole.
            for kind, packet in enumerate(pieces(version, them, us, number)):
                if number % 6 == kind or number < 30:
                    capture.sock.send(link + packet)
            if number % 50 == 0:
                scene.honest_call()
        scene.honest_call()
        sums_hold(scene.server.counters())
    finally:
        capture.close()
        probe.close()
