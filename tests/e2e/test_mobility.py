# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Clients that keep their allocations at another address (RFC 8016), under traffic, over every dataplane."""

import select
import socket
import struct

import pytest

import lab as internet
import stun
import turn
from server import DATAPLANE_PROGRAM, FAMILIES, answers, wait_until

V4, V6 = socket.AF_INET, socket.AF_INET6
CHANNEL = 0x4000
WANT_TICKET = (stun.MOBILITY_TICKET, b"")
COUNT, MOVES, ARRIVES = 300, 105, 155  # datagrams in each direction, and before which of them
WINDOW = 20  # on their way at once


def allocate(client, *attributes):
    answer = client.allocate(WANT_TICKET, *attributes)
    assert answer.cls == stun.SUCCESS, answer
    return answer[stun.MOBILITY_TICKET]


def move(client, ticket, code=None):
    """Shows a ticket; returns the next one."""
    answer = client.refresh(600, (stun.MOBILITY_TICKET, ticket))
    assert answer.code == code, answer
    return answer[stun.MOBILITY_TICKET] if code is None else None


def take_over(home, away):
    """Whoever is left deletes the allocation."""
    away.relayed, away.relays, home.relayed = home.relayed, home.relays, None


def where(clients, peer, relayed):
    """Which of the clients hears from the peer; None: the datagram was lost on its way."""
    peer.sendto(b"where are you?", relayed)
    ready, _, _ = select.select([c.sock for c in clients], [], [], 0.5)
    for client in clients:
        if client.sock in ready:
            assert client.receive_channel_data() == (CHANNEL, b"where are you?")
            return client
    return None


def arrive(home, away, peer):
    """The first data from the new address; then that is where data goes."""
    away.channel_data(CHANNEL, b"here I am")
    assert peer.recv(100) == b"here I am"
    wait_until(lambda: where([home, away], peer, away.relayed) is away, what="the new address")


@pytest.fixture
def flow(make_client, make_peer):
    """A mobile client with a channel, where it is and where it will be, its peer and its ticket."""
    def make(family=V4, to=None, of=None):
        home, away = make_client(family, of=of), make_client(to or family, host=1, of=of)
        peer = make_peer(V4)
        ticket = allocate(home)
        assert home.channel_bind(CHANNEL, internet.name(peer)).cls == stun.SUCCESS
        away.challenge()
        return home, away, peer, ticket
    return make


def numbered(sock, count, what):
    """The numbers of that many datagrams, in the order of their arrival."""
    return [struct.unpack("!I", what(sock))[0] for _ in range(count)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_client_that_changes_its_address_under_traffic_loses_no_packet(flow, family):
    home, away, peer, ticket = flow(FAMILIES[family])
    request = away.request(stun.REFRESH, [turn.lifetime(600), (stun.MOBILITY_TICKET, ticket)])
    got = []

    def all_came(count):
        got.extend(numbered(peer, count - len(got), lambda s: s.recv(100)))
        wait_until(lambda: sum(d[0] == CHANNEL >> 8 for d in home.pending() + away.pending())
                   == count, what="every datagram")

    for i in range(COUNT):
        if i == MOVES:
            away.send_raw(request)
        if i == ARRIVES:
            assert away.answer(request[8:20]).cls == stun.SUCCESS
        # What is on its way from the former address when the first from the new one comes is lost.
        if i % WINDOW == 0 or i == ARRIVES:
            all_came(i)
        (away if i >= ARRIVES else home).channel_data(CHANNEL, struct.pack("!I", i))
        peer.sendto(struct.pack("!I", i), home.relayed)
    take_over(home, away)
    all_came(COUNT)
    assert sorted(got) == list(range(COUNT))
    heard = [numbered(c, len(c.inbox), lambda c: c.receive_channel_data()[1]) for c in (home, away)]
    assert sorted(heard[0] + heard[1]) == list(range(COUNT))
    arrive(home, away, peer)


def test_data_goes_to_the_former_address_until_some_came_from_the_new_one(flow):
    home, away, peer, ticket = flow()
    second = move(away, ticket)
    take_over(home, away)
    for _ in range(3):
        assert where([home, away], peer, away.relayed) is home
        home.channel_data(CHANNEL, b"still here")
        assert peer.recv(100) == b"still here"
    assert home.create_permission(internet.name(peer)).cls == stun.SUCCESS
    assert away.create_permission(internet.name(peer)).cls == stun.SUCCESS
    assert second != ticket
    arrive(home, away, peer)
    # The former 5-tuple is a stranger's now.
    assert home.refresh(600).code == 437
    home.channel_data(CHANNEL, b"not any more")
    away.send(internet.name(peer), b"but I am")
    data, source = peer.recvfrom(100)
    assert (data, source[:2]) == (b"but I am", away.relayed)
    assert home.pending() == []


@pytest.mark.parametrize("family, to", [(V4, V6), (V6, V4)], ids=["IPv4-IPv6", "IPv6-IPv4"])
def test_from_one_family_to_the_other_the_relayed_address_stays(flow, family, to):
    home, away, peer, ticket = flow(family, to)
    move(away, ticket)
    take_over(home, away)
    arrive(home, away, peer)
    assert away.refresh(600).lifetime == 600


def test_a_dual_allocation_moves_whole(make_client, make_peer):
    home, away = make_client(), make_client(host=1)
    peers = {V4: make_peer(V4), V6: make_peer(V6)}
    ticket = allocate(home, turn.WANT_BOTH)
    for number, peer in enumerate(peers.values(), CHANNEL):
        assert home.channel_bind(number, internet.name(peer)).cls == stun.SUCCESS
    away.challenge()
    move(away, ticket)
    take_over(home, away)
    for number, (family, peer) in enumerate(peers.items(), CHANNEL):
        relayed = away.relays[stun.IPV4 if family == V4 else stun.IPV6]

        def here():
            away.channel_data(number, b"out")
            assert peer.recv(100) == b"out"
            peer.sendto(b"in", relayed)
            ready, _, _ = select.select([home.sock, away.sock], [], [], 0.5)
            return [c.receive_channel_data() for c in (home, away) if c.sock in ready] \
                == [(number, b"in")] and away.sock in ready
        wait_until(here, what="the new address")


def test_a_retransmission_gets_the_same_ticket_and_the_old_one_is_of_no_other_use(
        flow, make_client):
    home, away, _, ticket = flow()
    request = away.request(stun.REFRESH, [turn.lifetime(600), (stun.MOBILITY_TICKET, ticket)])
    tickets = [away.transact(request)[stun.MOBILITY_TICKET] for _ in range(3)]
    take_over(home, away)
    assert tickets == tickets[:1] * 3
    other = make_client(host=1)
    move(other, ticket, 400)
    move(away, tickets[0], 400)
    move(other, bytes(16), 400)
    move(other, tickets[0])
    take_over(away, other)


def test_a_ticket_is_of_no_use_to_another_user(flow, make_client):
    home, _, _, ticket = flow()
    thief = make_client(user="bob", host=1)
    move(thief, ticket, 441)
    assert home.refresh(600).lifetime == 600


def test_where_it_is_forbidden_clients_are_told_405(make_server, make_client):
    server = make_server(mobility="forbidden")
    client = make_client(of=server)
    assert client.allocate(WANT_TICKET).code == 405
    assert client.allocate().cls == stun.SUCCESS
    move(make_client(host=1, of=server), bytes(16), 405)


@pytest.mark.parametrize("arrived", [False, True], ids=["on the way", "arrived"])
@pytest.mark.parametrize("dying", ["turnpike-control", DATAPLANE_PROGRAM])
def test_outlives_either_program(make_server, flow, dying, arrived):
    server = make_server()
    home, away, peer, ticket = flow(of=server)
    ticket = move(away, ticket)
    take_over(home, away)
    if arrived:
        arrive(home, away, peer)
    server.restarted(dying, server.kill(dying))
    answers(away)
    peer.settimeout(0.2)

    def out():
        away.channel_data(CHANNEL, b"out")
        try:
            return peer.recv(100) == b"out"
        except TimeoutError:
            return False
    wait_until(out, what="the flow's return")
    wait_until(lambda: where([home, away], peer, away.relayed) is away, what="the new address")
    move(away, ticket, 400)  # its own still
    assert away.refresh(600).lifetime == 600
    wait_until(lambda: home.refresh(600).code == 437, what="the former address to be forgotten")
    # Once, by whoever lives to tell of it.
    settled = 0 if arrived and dying == "turnpike-control" else 1
    assert server.counters()["moves_settled"] == settled
