# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""A peer that is denied stays so in every form in which it can be named, by every way to name it.

A request gets its code and changes nothing; an indication and a peer's own datagram get silence,
which is counted under a name; nothing leaves the relay. test_policy.py has the ranges."""

import contextlib
import ipaddress
import socket
import struct

import pytest

import frames
import lab as internet
from rfc import message
from rfc import numbers as n
from rfc.client import Client
from server import running, wait_until
from test_counters import CLIENT_DROPS
from test_rfc_client import V6_TOO

GOOD4, GOOD6 = ("203.0.113.10", 5000), ("2001:db8:3::a", 5000)
INSIDE = ["0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.1.2.3",
          "169.254.169.254", "172.16.0.1", "192.0.0.8", "192.168.0.1", "192.88.99.1", "198.18.0.1", "224.0.0.1",
          "239.255.255.250", "240.0.0.1", "255.255.255.255"]
PLAIN6 = ["::", "::1", "::2", "100::1", "fc00::1", "fdff::1", "fe80::1", "fe80::203:ff:fe00:1",
          "febf::1", "fec0::1", "ff01::1", "ff02::1", "ff0e::101", "2001:db8:dead::1", "2001:2::1",
          "2001:10::1", "2001:20::1", "3fff::1", "5f00::1", "64:ff9b:1::1", "64:ff9b:1:ffff::1"]


def embedded(prefix, shift, ip):
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix))
                                     | int(ipaddress.IPv4Address(ip)) << shift))


def nat64_48(ip):
    """RFC 6052 section 2.2, a prefix of 48 bits: 16 bits, a zero byte, 16 bits."""
    v4 = int(ipaddress.IPv4Address(ip))
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b:1::")) | v4 >> 16 << 64
                                     | (v4 & 0xFFFF) << 40))


FORMS = {
    "mapped": lambda ip: embedded("::ffff:0:0", 0, ip),
    "compatible": lambda ip: embedded("::", 0, ip),
    "translated": lambda ip: embedded("::ffff:0:0:0", 0, ip),
    "NAT64": lambda ip: embedded("64:ff9b::", 0, ip),
    "local NAT64": lambda ip: embedded("64:ff9b:1::", 0, ip),
    "local NAT64 of 48 bits": nat64_48,
    "6to4": lambda ip: embedded("2002::1", 80, ip),
    "Teredo server": lambda ip: embedded("2001::", 64, ip),
    "Teredo client": lambda ip: embedded(
        "2001:0:c000:201::", 0, str(ipaddress.IPv4Address(
            int(ipaddress.IPv4Address(ip)) ^ 0xFFFFFFFF))),
}
# Not addresses at all.
BROKEN = {"empty": b"", "1 byte": b"\0", "family only": b"\0\1", "no address": b"\0\1\x21\x12",
          "family 0": b"\0\0" + bytes(6), "family 3": b"\0\3" + bytes(6),
          "family 255": b"\0\xff" + bytes(18),
          "IPv4 in 16 bytes": b"\0\1" + bytes(18), "IPv6 in 4": b"\0\2" + bytes(6),
          "IPv4 and a byte more": b"\0\1" + bytes(7), "IPv6 and a byte less": b"\0\2" + bytes(17)}


class Scene:
    def __init__(self, lab, server):
        self.lab, self.server, self.made = lab, server, []
        self.client, self.other = self.dual(), self.dual()
        assert self.client.permit(GOOD4, GOOD6).cls == n.SUCCESS

    def dual(self):
        """A client with an address of each family."""
        it = Client(self.lab.client.udp(self.lab.client.v4[0]), self.server.address(socket.AF_INET),
                    rto=10)
        self.made.append(it)
        answer = it.allocate(V6_TOO)
        assert answer.cls == n.SUCCESS, answer.code
        it.relayed = {":" in ip: (ip, port) for ip, port in answer.endpoints(n.XOR_RELAYED_ADDRESS)}
        return it


    def close(self):
        for client in self.made:
            client.close()


def external(host):
    return {"external": [{"public": host.public4, "local": host.v4[0]},
                         {"public": host.public6, "local": host.v6[0]}]}


@pytest.fixture(scope="module")
def scene(lab):
    limits = {"unauthenticated_per_second": 0, "network_unauthenticated_per_second": 0,
              "new_peers_per_second": 0}
    with running(lab, external, limits=limits) as server, \
            contextlib.closing(Scene(lab, server)) as it:
        yield it


def own(scene):
    """Every address that is the host's, or stands for it."""
    host = scene.server.host
    return [*host.v4, host.public4], [*host.v6, host.public6]


def denied(scene):
    """{what: address} of every peer that is denied, in every form."""
    mine = [ip for family in own(scene) for ip in family]
    mine4 = [ip for ip in mine if ":" not in ip]
    return {**{ip: ip for ip in INSIDE + PLAIN6 + mine},
            **{f"{form} {ip}": make(ip) for form, make in FORMS.items() for ip in INSIDE + mine4},
            # What leads out, but by a way of which nothing is known.
            **{f"{form} of an allowed peer": make(GOOD4[0]) for form, make in FORMS.items()
               if form != "NAT64"}}


def test_no_request_permits_it(scene):
    got = {}
    for what, ip in denied(scene).items():
        peer = ip, 3478
        got[what] = (scene.client.permit(peer).code, scene.client.bind(0x4ABC, peer).code)
    assert got == dict.fromkeys(got, (403, 403))


def test_no_request_permits_it_behind_a_good_peer_nor_that_one(scene):
    client, unmet = scene.client, {False: ("203.0.113.77", 7), True: ("2001:db8:3::77", 7)}
    got = {what: client.permit(unmet[":" in ip], (ip, 9)).code
           for what, ip in denied(scene).items()}
    assert got == dict.fromkeys(got, 403)
    before = scene.server.counters()
    for endpoint in unmet.values():
        client.indicate(endpoint, b"met?")
    silence(scene, before, {"send_no_permission": 2})


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_address_gets_400(scene, what):
    client, broken = scene.client, (n.XOR_PEER_ADDRESS, BROKEN[what])
    number = n.CHANNEL_NUMBER, struct.pack("!HH", 0x4ABC, 0)

    def good(tid):
        return n.XOR_PEER_ADDRESS, message.xored(message.address(GOOD4), tid)
    assert client.ask(n.CREATE_PERMISSION, [broken]).code == 400
    assert client.ask(n.CREATE_PERMISSION, lambda tid: [good(tid), broken]).code == 400
    assert client.ask(n.CREATE_PERMISSION, lambda tid: [broken, good(tid)]).code == 400
    assert client.ask(n.CHANNEL_BIND, [number, broken]).code == 400


def silence(scene, before, expected, at_least=()):
    """What was sent since `before` was dropped under these names; nothing was answered or left."""
    scene.client.binding()  # everything before it has been seen
    names = {*CLIENT_DROPS, "relayed_to_peer"}

    def changed():
        now = scene.server.counters()
        return {name: now[name] - before[name] for name in names if now[name] != before[name]}
    wait_until(lambda: changed() == expected or None, 10, f"{expected}, is {changed()}")
    assert not scene.client.data
    assert scene.client.receive(0) is None


def test_no_indication_reaches_it(scene):
    client = scene.client
    before, invalid, strange = scene.server.counters(), 0, 0
    for what, ip in denied(scene).items():
        for port in (0, 22, 3478):
            client.indicate((ip, port), b"let me in")
            if port == 0 or what.startswith("mapped"):
                invalid += 1
            else:
                strange += 1
            if (invalid + strange) % 64 == 0:
                client.binding()  # there is room for more
    silence(scene, before, {"send_no_permission": strange, "send_invalid_peer": invalid})


def test_no_indication_that_names_no_address_is_relayed(scene):
    before = scene.server.counters()
    for value in BROKEN.values():
        scene.client.send(message.build(n.SEND, n.INDICATION, [
            (n.XOR_PEER_ADDRESS, value), (n.DATA_VALUE, b"whom?")]))
    scene.client.binding()
    now = scene.server.counters()
    wait_until(lambda: sum(scene.server.counters()[name] - before[name]
                           for name in CLIENT_DROPS) == len(BROKEN), 10, "all of them dropped")
    assert now["relayed_to_peer"] == before["relayed_to_peer"]


def test_a_permission_for_a_relayed_address_opens_no_port_but_live_ones(scene):
    client, other = scene.client, scene.other
    for v6 in (False, True):
        ip, port = other.relayed[v6]
        assert client.permit((ip, port)).cls == n.SUCCESS
        # Without a port that is all that can be said of an address (RFC 8656 section 9).
        assert client.permit((ip, 0)).cls == n.SUCCESS
        taken = {port, client.relayed[v6][1]}
        closed = [p for p in (22, 3478, 49151, 50000, 65535) if p not in taken]
        before = scene.server.counters()
        for p in closed:
            client.indicate((ip, p), message.build(n.BINDING, n.REQUEST))
        client.indicate((ip, 0), b"port 0")
        silence(scene, before, {"hairpin_no_allocation": len(closed), "send_invalid_peer": 1})


@pytest.mark.parametrize("v6", [False, True], ids=["IPv4", "IPv6"])
def test_a_peer_without_a_permission_is_not_heard_whoever_it_is(scene, make_peer, v6):
    client, family = scene.client, socket.AF_INET6 if v6 else socket.AF_INET
    good, strangers = make_peer(family), [make_peer(family, host) for host in range(1, 6)]
    assert client.permit(internet.name(good)).cls == n.SUCCESS
    # The lab routes nothing to the external address.
    relayed = scene.server.host.address(family), client.relayed[v6][1]
    before, sent = scene.server.counters(), 0
    for sock in strangers:
        for payload in (b"hello", message.build(n.BINDING, n.REQUEST), b""):
            sock.sendto(payload, relayed)
            sent += 1
    good.sendto(b"from a friend", relayed)
    assert client.take() == (internet.name(good), b"from a friend")
    wait_until(lambda: scene.server.counters()["peer_no_permission"]
               - before["peer_no_permission"] == sent, 10, "all strangers counted")
    for sock in strangers:
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):  # nor told
            sock.recv(100)


# Sources that nobody on the wire can have (RFC 1122 section 3.2.1.3, RFC 4291 section 2.7).
IMPOSSIBLE = {4: ["0.0.0.0", "127.0.0.1", "127.255.255.255", "224.0.0.1", "239.1.2.3",
                  "255.255.255.255"],
              6: ["::", "::1", "::ffff:192.0.2.10", "::ffff:127.0.0.1", "ff02::1", "ff0e::1"]}


@pytest.mark.parametrize("version", [4, 6])
def test_nothing_is_sent_to_an_impossible_source(scene, lab, version):
    server, v6 = scene.server, version == 6
    family = socket.AF_INET6 if v6 else socket.AF_INET
    us = server.address(family)
    sources = IMPOSSIBLE[version]
    honest = Client(lab.client.udp(lab.client.address(family)), us, rto=10)
    capture = frames.Capture(lab.router, server.host.name)
    try:
        honest.binding()
        link = capture.take(frames.between(honest.sock.getsockname()[0], us[0]), 1)[0][:14]
        relayed = us[0], scene.client.relayed[v6][1]
        for source in sources:
            for whence, where, payload in (
                    ((source, 4000), us, message.build(n.BINDING, n.REQUEST)),
                    ((source, 3478), us, message.build(n.BINDING, n.REQUEST)),
                    ((source, 4000), us, message.build(n.ALLOCATE, n.REQUEST)),
                    ((source, 0), us, message.build(n.BINDING, n.REQUEST)),
                    ((source, 4000), relayed, b"to a relayed address")):
                datagram = frames.udp(whence, where, payload)
                packet = frames.ip6(source, where[0], hops=60, following=17, data=datagram) if v6 \
                    else frames.ip4(source, where[0], ident=1, flags=0, offset=0, ttl=60,
                                    protocol=17, data=datagram)
                capture.sock.send(link + packet)
        # Answers come in their order.
        tid = b"the last one"
        honest.send(message.build(n.BINDING, n.REQUEST, tid=tid))
        seen = []
        while not (seen and tid in seen[-1] and frames.addresses(seen[-1])[0] == us[0]):
            seen += capture.take(lambda frame: frames.addresses(frame) is not None, 1, 20)
        # Neighbour discovery is multicast; what is ours is UDP, and ICMP errors.
        bad = [frame.hex() for frame in seen if frames.addresses(frame)[1] in sources
               and frame[20 if v6 else 23] == socket.IPPROTO_UDP and frame[:14] != link]
        assert not bad
    finally:
        capture.close()
        honest.close()
    assert scene.client.receive(0) is None
