# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Peers that are denied: every inside address, in every disguise (RFC 8656 section 21)."""

import ipaddress
import socket

import pytest

import stun
import turn

INSIDE4 = """0.0.0.0 0.1.2.3 10.0.0.0 10.1.2.3 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1
127.255.255.254 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.168.0.1
192.168.255.255 198.18.0.1 198.19.255.255 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
""".split()
OUTSIDE4 = """1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255
198.20.0.0 223.255.254.255""".split()
INSIDE6 = """:: ::1 ::2 100::1 fc00::1 fdff::1 fe80::1 febf::1 fec0::1 ff02::1 ff0e::1
2001:db8:dead::1 64:ff9b:1::a00:1""".split()
OUTSIDE6 = "2400:cb00::1 2606:4700::1111 2a00:1450:4001::1 2003::1".split()


def disguises(inside):
    """The IPv6 forms in which an IPv4 address may be smuggled."""
    v4 = ipaddress.IPv4Address(inside)
    return {
        "mapped": str(ipaddress.IPv6Address((0xFFFF << 32) + int(v4))),
        "compatible": str(ipaddress.IPv6Address(int(v4))),
        "NAT64": str(ipaddress.IPv6Address((0x64FF9B << 96) + int(v4))),
        "6to4": str(ipaddress.IPv6Address((0x2002 << 112) + (int(v4) << 80) + 1)),
        "Teredo": str(ipaddress.IPv6Address((0x20010000 << 96) + (0xC0000201 << 64)
                                            + (int(v4) ^ 0xFFFFFFFF))),
    }


DISGUISED = [(form, ip) for inside in ("127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1",
                                       "169.254.169.254", "224.0.0.1", "0.0.0.0")
             for form, ip in disguises(inside).items()]


@pytest.fixture(scope="module")
def allocations(lab, server):
    """A client with an IPv4 and one with an IPv6 allocation, for all of this file's questions."""
    made = {}
    for version, family in ((4, turn.WANT_IPV4), (6, turn.WANT_IPV6)):
        made[version] = turn.Turn(lab.client.udp(lab.client.v4[0]),
                                  server.address(socket.AF_INET))
        assert made[version].allocate(family).cls == stun.SUCCESS
    yield made
    for client in made.values():
        client.refresh(0)
        client.close()


def codes(allocations, ip, port=9):
    """What CreatePermission and ChannelBind say about a peer."""
    client = allocations[ipaddress.ip_address(ip).version]
    return client.create_permission((ip, port)).code, client.channel_bind(0x4000, (ip, port)).code


@pytest.mark.parametrize("ip", INSIDE4 + INSIDE6)
def test_an_inside_peer_gets_403(allocations, ip):
    assert codes(allocations, ip) == (403, 403)


@pytest.mark.parametrize("form, ip", DISGUISED)
def test_a_disguised_inside_peer_gets_403(allocations, form, ip):
    assert codes(allocations, ip) == (403, 403)


@pytest.mark.parametrize("ip", OUTSIDE4 + OUTSIDE6)
def test_a_neighbour_of_an_inside_range_is_permitted(allocations, ip):
    client = allocations[ipaddress.ip_address(ip).version]
    assert client.create_permission((ip, 9)).cls == stun.SUCCESS


@pytest.mark.parametrize("port", [22, 3478, 49151])
def test_a_channel_to_the_relays_own_ports_gets_403(server, allocations, port):
    for ip in server.host.v4 + server.host.v6:
        client = allocations[ipaddress.ip_address(ip).version]
        assert client.channel_bind(0x4000, (ip, port)).code == 403, ip


def test_a_channel_to_a_relay_port_that_nobody_holds_gets_403(server, allocations):
    held = {client.relayed[1] for client in allocations.values()}
    port = next(p for p in range(60000, 60100) if p not in held)
    for ip in (server.host.v4[0], server.host.v6[0]):
        client = allocations[ipaddress.ip_address(ip).version]
        assert client.channel_bind(0x4000, (ip, port)).code == 403, ip


# On a relay address a permission can't tell ports apart (RFC 8656 section 9.2 ignores the port):
# what then goes to a port without an allocation is dropped (test_hairpin.py).
def test_an_own_address_that_does_not_relay_gets_403(server, allocations):
    for ip in (server.host.v4[1], server.host.v6[1]):
        assert codes(allocations, ip) == (403, 403), ip


@pytest.mark.parametrize("form", ["mapped", "compatible", "NAT64", "6to4", "Teredo"])
def test_the_relays_own_address_in_disguise_gets_403(server, allocations, form):
    assert codes(allocations, disguises(server.host.v4[0])[form], 22) == (403, 403)


def test_the_relayed_address_of_a_live_allocation_is_permitted(allocations, make_client):
    for version, family in ((4, turn.WANT_IPV4), (6, turn.WANT_IPV6)):
        other = make_client(user="bob")
        assert other.allocate(family).cls == stun.SUCCESS
        assert allocations[version].create_permission(other.relayed).cls == stun.SUCCESS


def test_of_allowed_and_denied_ranges_the_longest_match_decides(make_server, make_client):
    server = make_server(
        allow_peers=["203.0.113.64/26", "10.1.0.0/16", "fd00:1::/32", "2606:4700:1::/48"],
        deny_peers=["203.0.113.0/24", "203.0.113.65/32", "8.8.8.0/24", "10.1.2.0/24",
                    "2606:4700::/32"])
    expected = {
        "203.0.113.1": 403, "203.0.113.64": None, "203.0.113.65": 403, "203.0.113.127": None,
        "203.0.113.128": 403, "8.8.8.8": 403, "8.8.9.8": None, "10.0.0.1": 403, "10.1.0.1": None,
        "10.1.2.3": 403, "10.1.3.3": None, "10.2.0.1": 403, "127.0.0.1": 403,
        "fd00:1::1": None, "fd00:2::1": 403, "2606:4700::1": 403, "2606:4700:1::1": None,
        "2606:4700:2::1": 403, "64:ff9b::808:808": 403, "2002:808:808::1": 403,
        "::ffff:10.2.0.1": 403, "64:ff9b::a02:1": 403,
    }
    four, six = make_client(of=server), make_client(of=server)
    four.allocate(turn.WANT_IPV4)
    six.allocate(turn.WANT_IPV6)
    got = {ip: (six if ":" in ip else four).create_permission((ip, 9)).code for ip in expected}
    assert got == expected
