# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The laboratory proves itself: each kind of NAT maps and filters as its name says (RFC 5780's terms),
seen from outside by servers that answer a Binding request with where it came from."""

import socket

import pytest

import stun
from internet import NATS, Internet
from lab import name

FAMILIES = {"v4": socket.AF_INET, "v6": socket.AF_INET6}


@pytest.fixture(scope="module", params=NATS)
def nat(request):
    internet = Internet((request.param,))
    yield internet
    internet.close()


@pytest.fixture(params=FAMILIES)
def outside(request, nat):
    """(inside socket, two servers' sockets at different addresses, a stranger's socket)"""
    family = FAMILIES[request.param]
    home = nat.nats[0].home
    inside = home.udp(home.v6 if family == socket.AF_INET6 else home.v4)
    servers = [nat.site.udp(nat.site.address(family, n)) for n in range(2)]
    stranger = nat.office.udp(nat.office.address(family))
    yield inside, servers, stranger
    for sock in (inside, *servers, stranger):
        sock.close()


def mapping(inside, server):
    """Where a Binding request from inside comes from, by the answer that it gets."""
    tid = bytes(range(12))
    inside.sendto(stun.header(stun.BINDING, stun.REQUEST, 0, tid), name(server))
    request, seen = server.recvfrom(2048)
    assert request[8:20] == tid
    body = stun.attribute(stun.XOR_MAPPED_ADDRESS, stun.xor_address(seen[:2], tid))
    server.sendto(stun.header(stun.BINDING, stun.SUCCESS, len(body), tid) + body, seen)
    answer = stun.parse(inside.recv(2048))
    return answer.address(stun.XOR_MAPPED_ADDRESS)


def reaches(sender, inside, target):
    """Whether a datagram to the mapped address gets in."""
    inside.settimeout(0.3)
    try:
        sender.sendto(b"probe", target)
        return inside.recv(2048) == b"probe"
    except TimeoutError:
        return False
    finally:
        inside.settimeout(5)


def test_a_mapping_has_the_address_of_the_nat(nat, outside):
    inside, servers, _ = outside
    assert mapping(inside, servers[0])[0] in nat.nats[0].v4 + nat.nats[0].v6


def test_a_symmetric_nat_maps_each_destination_to_another_port_and_a_cone_to_one(nat, outside):
    inside, servers, _ = outside
    same = mapping(inside, servers[0]) == mapping(inside, servers[1])
    assert same == (nat.nats[0].kind != "symmetric")


def test_a_mapping_is_kept_for_the_same_destination(outside):
    inside, servers, _ = outside
    assert mapping(inside, servers[0]) == mapping(inside, servers[0])


def test_a_stranger_gets_in_through_a_full_cone_only(nat, outside):
    inside, servers, stranger = outside
    target = mapping(inside, servers[0])
    assert reaches(stranger, inside, target) == (nat.nats[0].kind == "full-cone")


def test_another_port_of_a_host_written_to_gets_in_through_a_full_cone_only(nat, outside):
    inside, servers, _ = outside
    target = mapping(inside, servers[0])
    other = nat.site.udp(name(servers[0])[0])
    assert reaches(other, inside, target) == (nat.nats[0].kind == "full-cone")
    other.close()


def test_who_was_written_to_gets_in(outside):
    inside, servers, _ = outside
    assert reaches(servers[0], inside, mapping(inside, servers[0]))
