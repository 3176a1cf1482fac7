# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Dual allocations: a relayed address of each family for one client (RFC 8656 sections 7.2, 8.2)."""

import socket

import pytest

import lab as internet
import stun
import turn
from server import DATAPLANE_PROGRAM, FAMILIES, answers, wait_until

V4, V6 = socket.AF_INET, socket.AF_INET6
CHANNELS = {V4: 0x4000, V6: 0x4001}
KIND = {V4: stun.IPV4, V6: stun.IPV6}


def allocate(client):
    answer = client.allocate(turn.WANT_BOTH)
    assert answer.cls == stun.SUCCESS and set(client.relays) == {stun.IPV4, stun.IPV6}, answer
    assert stun.ADDRESS_ERROR_CODE not in answer
    return answer


@pytest.fixture(params=FAMILIES)
def dual(request, make_client):
    client = make_client(FAMILIES[request.param])
    allocate(client)
    return client


@pytest.fixture
def peers(make_peer):
    return {family: make_peer(family) for family in (V4, V6)}


def passes(client, peer, bound):
    """Whether both directions go by the relayed address of the peer's family."""
    relayed = client.relays[KIND[peer.family]]
    if bound:
        client.channel_data(CHANNELS[peer.family], b"out")
    else:
        client.send(internet.name(peer), b"out")
    data, source = peer.recvfrom(100)
    assert (data, source[:2]) == (b"out", relayed)
    peer.sendto(b"in", relayed)
    if bound:
        assert client.receive_channel_data() == (CHANNELS[peer.family], b"in")
    else:
        assert client.receive_data() == (internet.name(peer), b"in")


def bind_both(client, peers):
    for family, peer in peers.items():
        assert client.channel_bind(CHANNELS[family], internet.name(peer)).cls == stun.SUCCESS


def test_each_peer_is_reached_by_the_address_of_its_family(server, dual, peers):
    assert dual.relays[stun.IPV4][0] == server.host.v4[0]
    assert dual.relays[stun.IPV6][0] == server.host.v6[0]
    assert dual.create_permission(*map(internet.name, peers.values())).cls == stun.SUCCESS
    for peer in peers.values():
        passes(dual, peer, bound=False)
    bind_both(dual, peers)
    for peer in peers.values():
        passes(dual, peer, bound=True)


def test_a_channel_number_is_one_peers_whatever_the_family(dual, peers):
    assert dual.channel_bind(0x4000, internet.name(peers[V4])).cls == stun.SUCCESS
    assert dual.channel_bind(0x4000, internet.name(peers[V6])).code == 400
    assert dual.channel_bind(0x4000, internet.name(peers[V4])).cls == stun.SUCCESS
    passes(dual, peers[V4], bound=True)


@pytest.mark.parametrize("gone, left", [(V4, V6), (V6, V4)], ids=["IPv4", "IPv6"])
def test_one_family_can_be_deleted_and_the_other_goes_on(dual, peers, gone, left):
    bind_both(dual, peers)
    assert dual.refresh(0, turn.want(gone)).lifetime == 0
    peers[gone].sendto(b"still there?", dual.relays[KIND[gone]])
    passes(dual, peers[left], bound=True)
    assert dual.pending() == []
    assert dual.refresh(600, turn.want(gone)).code == 443
    assert dual.create_permission(internet.name(peers[gone])).code == 443
    assert dual.refresh(600, turn.want(left)).lifetime == 600
    assert dual.refresh(600).lifetime == 600
    assert dual.allocate(turn.WANT_BOTH).code == 437
    passes(dual, peers[left], bound=True)


def test_refresh_to_0_deletes_both_and_both_can_be_had_again_at_once(dual, peers):
    for _ in range(5):
        bind_both(dual, peers)
        former = dict(dual.relays)
        assert dual.refresh(0).lifetime == 0
        for family, peer in peers.items():
            peer.sendto(b"still there?", former[KIND[family]])
        assert dual.refresh(600).code == 437
        allocate(dual)
        assert dual.pending() == []


def test_a_retransmission_gets_the_same_answer(client):
    request = client.request(stun.ALLOCATE, [turn.UDP_TRANSPORT, turn.WANT_BOTH])
    answers = [client.transact(request) for _ in range(3)]
    client.relayed = answers[0].address(stun.XOR_RELAYED_ADDRESS)
    assert answers[0].cls == stun.SUCCESS
    assert [a.raw for a in answers] == [answers[0].raw] * 3


@pytest.mark.parametrize("only, missing", [(V4, V6), (V6, V4)], ids=["IPv4", "IPv6"])
def test_the_only_family_that_is_relayed_comes_with_440(relay, make_server, make_client, only,
                                                        missing):
    server = make_server(relay=[relay.address(only)])
    client = make_client(of=server)
    answer = client.allocate(turn.WANT_BOTH)
    assert answer.cls == stun.SUCCESS and set(client.relays) == {KIND[only]}
    assert answer.address_error == (KIND[missing], 440)


def test_without_a_port_of_one_family_the_other_comes_with_508(make_server, make_client, make_peer):
    server = make_server(ports="50000-50000")
    first, second = make_client(of=server), make_client(of=server)
    assert first.allocate(turn.WANT_IPV6).cls == stun.SUCCESS
    answer = second.allocate(turn.WANT_BOTH)
    assert answer.cls == stun.SUCCESS and set(second.relays) == {stun.IPV4}
    assert answer.address_error == (stun.IPV6, 508)
    assert second.refresh(0).lifetime == 0
    assert first.refresh(0).lifetime == 0
    allocate(second)


def test_a_port_that_another_program_has_is_changed_in_its_family_alone(relay, make_server,
                                                                       make_client):
    held = [relay.udp(relay.v6[0], port) for port in range(50000, 50008)]
    server = make_server(ports="50000-50015")
    clients = [make_client(of=server) for _ in range(8)]
    for client in clients:
        allocate(client)
    assert {client.relays[stun.IPV6][1] for client in clients} == set(range(50008, 50016))
    more = make_client(of=server)
    answer = more.allocate(turn.WANT_BOTH)
    assert answer.cls == stun.SUCCESS and answer.address_error == (stun.IPV6, 508)
    for sock in held:
        sock.close()


@pytest.mark.parametrize("dying", ["turnpike-control", DATAPLANE_PROGRAM])
def test_both_families_outlive_either_program(make_server, make_client, peers, dying):
    server = make_server()
    client = make_client(of=server)
    allocate(client)
    bind_both(client, peers)
    server.restarted(dying, server.kill(dying))
    answers(client)
    for peer in peers.values():
        wait_until(lambda: arrives(client, peer), what="the flow's return")
    assert client.refresh(600).lifetime == 600
    for peer in peers.values():
        passes(client, peer, bound=True)


def arrives(client, peer):
    """Sends until it comes through; what was sent too early is lost, what is late is read here."""
    peer.settimeout(0.1)
    try:
        client.channel_data(CHANNELS[peer.family], b"there?")
        return peer.recv(100)
    except TimeoutError:
        return None
    finally:
        peer.settimeout(5)
