# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Allocate and Refresh (RFC 8656 sections 7 and 8), in the order of their checks."""

import socket
import struct

import pytest

import lab as internet
import stun
import turn
from server import FAMILIES

V6 = socket.AF_INET6


def byte4(kind, value):
    return kind, bytes([value, 0, 0, 0])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("relay", FAMILIES)
def test_a_client_of_any_family_gets_a_relay_of_any_family(server, make_client, family, relay):
    client = make_client(FAMILIES[family])
    answer = client.allocate(turn.want(FAMILIES[relay]))
    assert answer.cls == stun.SUCCESS
    assert client.relayed[0] == server.host.address(FAMILIES[relay])
    assert 49152 <= client.relayed[1] <= 65535
    assert client.mapped == internet.name(client.sock)
    assert answer.lifetime == 600
    assert stun.RESERVATION_TOKEN not in answer and stun.NONCE not in answer


def test_without_a_family_the_relay_is_ipv4_whatever_the_client(server, make_client):
    client = make_client(V6)
    assert client.allocate().cls == stun.SUCCESS
    assert client.relayed[0] == server.host.v4[0]


@pytest.mark.parametrize("relay", FAMILIES)
def test_a_peer_sees_the_relayed_address_that_the_client_was_told(make_client, make_peer, relay):
    client, peer = make_client(), make_peer(FAMILIES[relay])
    client.allocate(turn.want(FAMILIES[relay]))
    client.create_permission(internet.name(peer))
    client.send(internet.name(peer), b"who am I?")
    data, source = peer.recvfrom(100)
    assert (data, source[:2]) == (b"who am I?", client.relayed)


def test_every_relay_address_of_a_family_is_used(relay, make_server, make_client):
    server = make_server(relay=relay.v4 + relay.v6)
    for family, addresses in ((socket.AF_INET, relay.v4), (V6, relay.v6)):
        seen = set()
        for _ in range(64):
            client = make_client(of=server)
            assert client.allocate(turn.want(family)).cls == stun.SUCCESS
            seen.add(client.relayed[0])
        assert seen == set(addresses)


def test_ports_are_random_and_of_the_configured_range_until_508(make_server, make_client):
    server = make_server(ports="50000-50063")
    ports = []
    for _ in range(64):
        client = make_client(of=server)
        assert client.allocate().cls == stun.SUCCESS
        ports.append(client.relayed[1])
    assert sorted(ports) == list(range(50000, 50064))
    assert ports != sorted(ports)
    unlucky = make_client(of=server)
    assert unlucky.allocate().code == 508
    # The family's own range: IPv6's is still free, and a freed port serves again.
    assert make_client(of=server).allocate(turn.WANT_IPV6).cls == stun.SUCCESS
    assert client.refresh(0).cls == stun.SUCCESS
    assert unlucky.allocate().cls == stun.SUCCESS
    assert unlucky.relayed[1] == ports[-1]


@pytest.mark.dataplanes("sockets", "xdp")  # the relay's ports are turnpike-dpdk's alone
def test_a_port_that_another_program_holds_is_passed_over(relay, make_server, make_client):
    held = [relay.udp(relay.v4[0], port) for port in range(50000, 50008)]
    server = make_server(ports="50000-50015")

    clients = [make_client(of=server) for _ in range(9)]
    assert [client.allocate().code for client in clients] == [None] * 8 + [508]
    assert {client.relayed[1] for client in clients[:8]} == set(range(50008, 50016))
    # Never a half-made allocation.
    assert clients[8].refresh(600).code == 437
    for sock in held:
        sock.close()
    assert clients[8].allocate().code is None
    assert server.counters()["ports_taken"] > 0


# The order of checks.

def test_a_second_allocate_gets_437(allocated):
    first = allocated.relayed
    assert allocated.ask(stun.ALLOCATE, [turn.UDP_TRANSPORT]).code == 437
    assert allocated.relayed == first
    assert allocated.refresh(600).cls == stun.SUCCESS


def test_437_comes_before_the_attributes_are_looked_at(allocated):
    assert allocated.ask(stun.ALLOCATE, []).code == 437


def test_a_retransmitted_allocate_gets_the_same_answer(client):
    request = client.request(stun.ALLOCATE, [turn.UDP_TRANSPORT, turn.lifetime(1200)])
    answers = [client.transact(request) for _ in range(3)]
    client.relayed = answers[0].address(stun.XOR_RELAYED_ADDRESS)
    assert answers[0].cls == stun.SUCCESS and answers[0].lifetime == 1200
    assert [a.raw for a in answers] == [answers[0].raw] * 3


@pytest.mark.parametrize("value", [None, b"", b"\x11", b"\x11\0\0", b"\x11" + bytes(7)])
def test_no_or_a_malformed_transport_gets_400(client, value):
    attributes = [] if value is None else [(stun.REQUESTED_TRANSPORT, value)]
    assert client.allocate(*attributes, transport=False).code == 400


@pytest.mark.parametrize("protocol", [0, 1, 6, 132, 255])
def test_a_transport_other_than_udp_gets_442(client, protocol):
    assert client.allocate(byte4(stun.REQUESTED_TRANSPORT, protocol), transport=False).code == 442


@pytest.mark.parametrize("family", [0, 3, 255])
def test_an_unknown_address_family_gets_440(client, family):
    assert client.allocate(byte4(stun.REQUESTED_ADDRESS_FAMILY, family)).code == 440


def test_a_family_without_a_relay_address_gets_440(relay, make_server, make_client):
    server = make_server(relay=[relay.v6[0]])
    assert make_client(of=server).allocate().code == 440
    assert make_client(of=server).allocate(turn.WANT_IPV4).code == 440
    assert make_client(of=server).allocate(turn.WANT_IPV6).cls == stun.SUCCESS


def test_dont_fragment_is_known(client):
    assert client.allocate((stun.DONT_FRAGMENT, b"")).cls == stun.SUCCESS


def test_unknown_required_attributes_get_420_and_all_their_names(client):
    answer = client.allocate((0x7ABC, b"what"), (0x7ABD, b""), (0xFABC, b"optional"))
    assert answer.code == 420
    names = answer[stun.UNKNOWN_ATTRIBUTES]
    assert set(struct.unpack("!2H", names)) == {0x7ABC, 0x7ABD}


TOKEN = (stun.RESERVATION_TOKEN, b"12345678")
BAD_MIXES = {
    "token and EVEN-PORT": [TOKEN, (stun.EVEN_PORT, b"\0")],
    "token and family": [TOKEN, turn.WANT_IPV4],
    "token and additional family": [TOKEN, byte4(stun.ADDITIONAL_ADDRESS_FAMILY, 2)],
    "family and additional family": [turn.WANT_IPV4, byte4(stun.ADDITIONAL_ADDRESS_FAMILY, 2)],
    "reserved pair and additional family": [(stun.EVEN_PORT, b"\x80"),
                                            byte4(stun.ADDITIONAL_ADDRESS_FAMILY, 2)],
    "additional IPv4": [byte4(stun.ADDITIONAL_ADDRESS_FAMILY, 1)],
    "malformed family": [(stun.REQUESTED_ADDRESS_FAMILY, b"\1")],
    "malformed lifetime": [(stun.LIFETIME, b"\0\0")],
    "malformed token": [(stun.RESERVATION_TOKEN, b"1234")],
}


@pytest.mark.parametrize("mix", BAD_MIXES)
def test_attributes_that_exclude_each_other_get_400(client, mix):
    assert client.allocate(*BAD_MIXES[mix]).code == 400


def test_an_unknown_reservation_token_gets_508(client):
    assert client.allocate(TOKEN).code == 508


# Lifetimes.

@pytest.mark.parametrize("asked, granted", [(None, 600), (0, 600), (1, 600), (599, 600), (601, 601),
                                            (3600, 3600), (3601, 3600), (0xFFFFFFFF, 3600)])
def test_the_lifetime_lies_between_the_default_and_an_hour(client, asked, granted):
    more = [] if asked is None else [turn.lifetime(asked)]
    assert client.allocate(*more).lifetime == granted
    if asked != 0:
        assert client.refresh(asked).lifetime == granted


def test_refresh_with_lifetime_0_deletes(allocated, make_peer):
    peer, relayed = make_peer(), allocated.relayed
    allocated.create_permission(internet.name(peer))
    assert allocated.refresh(0).lifetime == 0
    peer.sendto(b"still there?", relayed)
    assert allocated.refresh(600).code == 437
    assert allocated.create_permission(internet.name(peer)).code == 437
    assert allocated.pending() == []
    assert allocated.allocate().cls == stun.SUCCESS
    # What the former allocation permitted is gone with it.
    peer.sendto(b"and now?", allocated.relayed)
    assert allocated.binding().cls == stun.SUCCESS
    assert allocated.pending() == []


def test_refresh_without_an_allocation_gets_437(client):
    assert client.refresh(600).code == 437


def test_refresh_by_another_user_gets_441(allocated):
    allocated.user = "bob"
    assert allocated.refresh(600).code == 441
    assert allocated.refresh(0).code == 441
    allocated.user = "alice"
    assert allocated.refresh(600).cls == stun.SUCCESS


def test_refresh_for_another_family_gets_443(allocated):
    assert allocated.refresh(600, turn.WANT_IPV6).code == 443
    assert allocated.refresh(600, turn.WANT_IPV4).cls == stun.SUCCESS


def test_refresh_with_an_unknown_required_attribute_gets_420(allocated):
    answer = allocated.refresh(600, (0x7ABC, b""))
    assert answer.code == 420 and answer[stun.UNKNOWN_ATTRIBUTES] == b"\x7a\xbc"


# Quotas.

def test_quotas_by_user_by_address_and_in_total_get_486(make_server, make_client):
    server = make_server(limits={"allocations": 5, "allocations_per_user": 2,
                                 "allocations_per_address": 3})

    def allocate(user, host):
        client = make_client(user=user, of=server, host=host)
        return client, client.allocate().code

    assert allocate("alice", 0)[1] is None
    second, code = allocate("alice", 0)
    assert code is None
    assert allocate("alice", 1)[1] == 486, "two for each user"
    assert allocate("bob", 0)[1] is None
    assert allocate("bob", 0)[1] == 486, "three for each address"
    assert allocate("bob", 1)[1] is None
    assert allocate("carol", 1)[1] is None
    assert allocate("carol", 2)[1] == 486, "five in total"
    assert second.refresh(0).lifetime == 0
    assert allocate("carol", 2)[1] is None, "a deleted one makes room"
