# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""EVEN-PORT and RESERVATION-TOKEN (RFC 8656 section 7.2): RTP's pair of ports."""


import pytest

import lab as internet
import stun
import turn
from server import FAMILIES, answers


def token_of(answer):
    assert answer.cls == stun.SUCCESS and len(answer[stun.RESERVATION_TOKEN]) == 8, answer
    return stun.RESERVATION_TOKEN, answer[stun.RESERVATION_TOKEN]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_token_brings_the_next_port_of_the_same_address(make_client, make_peer, family):
    rtp, rtcp, late = make_client(), make_client(FAMILIES[family]), make_client()
    token = token_of(rtp.allocate(turn.EVEN_PORT_AND_NEXT, turn.want(FAMILIES[family])))
    assert rtp.relayed[1] % 2 == 0
    answer = rtcp.allocate(token)
    assert answer.cls == stun.SUCCESS and stun.RESERVATION_TOKEN not in answer
    assert rtcp.relayed == (rtp.relayed[0], rtp.relayed[1] + 1)
    assert late.allocate(token).code == 508
    peer = make_peer(FAMILIES[family])
    assert rtcp.create_permission(internet.name(peer)).cls == stun.SUCCESS
    peer.sendto(b"report", rtcp.relayed)
    assert rtcp.receive_data() == (internet.name(peer), b"report")


def test_an_even_port_alone_reserves_nothing(client):
    answer = client.allocate(turn.EVEN_PORT)
    assert client.relayed[1] % 2 == 0 and stun.RESERVATION_TOKEN not in answer


def test_a_token_is_its_users_alone(make_client):
    token = token_of(make_client().allocate(turn.EVEN_PORT_AND_NEXT))
    assert make_client(user="bob").allocate(token).code == 508
    assert make_client().allocate(token).cls == stun.SUCCESS


def test_tokens_differ_in_all_their_bytes(make_client):
    tokens = []
    for _ in range(40):
        client = make_client()
        tokens.append(token_of(client.allocate(turn.EVEN_PORT_AND_NEXT))[1])
    assert len(set(tokens)) == 40
    assert all(len({t[i] for t in tokens}) > 20 for i in range(8))


def test_a_reserved_port_is_nobody_elses(make_server, make_client):
    server = make_server(ports="50000-50001")
    rtp, rtcp, other = (make_client(of=server) for _ in range(3))
    token = token_of(rtp.allocate(turn.EVEN_PORT_AND_NEXT))
    assert other.allocate().code == 508
    assert other.allocate(turn.EVEN_PORT_AND_NEXT).code == 508
    assert rtcp.allocate(token).cls == stun.SUCCESS
    assert (rtp.relayed[1], rtcp.relayed[1]) == (50000, 50001)


def test_a_reservation_outlives_its_maker_and_the_control_plane(make_server, make_client):
    server = make_server(ports="50000-50001")
    rtp, rtcp, other = (make_client(of=server) for _ in range(3))
    token = token_of(rtp.allocate(turn.EVEN_PORT_AND_NEXT))
    assert rtp.refresh(0).lifetime == 0
    server.restarted("turnpike-control", server.kill("turnpike-control"))
    answers(rtcp)
    assert other.allocate().cls == stun.SUCCESS
    assert other.relayed[1] == 50000
    assert rtcp.allocate(token).cls == stun.SUCCESS
    assert rtcp.relayed[1] == 50001


def test_a_pair_that_another_program_is_in_the_way_of_is_exchanged(relay, make_server, make_client):
    held = [relay.udp(relay.v4[0], port) for port in (50000, 50002, 50004)]
    server = make_server(ports="50000-50007")
    rtp, rtcp = make_client(of=server), make_client(of=server)
    token = token_of(rtp.allocate(turn.EVEN_PORT_AND_NEXT))
    assert rtp.relayed[1] == 50006
    assert rtcp.allocate(token).cls == stun.SUCCESS
    assert rtcp.relayed[1] == 50007
    for sock in held:
        sock.close()


def test_a_retransmission_is_told_the_same_token(client):
    request = client.request(stun.ALLOCATE, [turn.UDP_TRANSPORT, turn.EVEN_PORT_AND_NEXT])
    answers = [client.transact(request) for _ in range(3)]
    client.relayed = answers[0].address(stun.XOR_RELAYED_ADDRESS)
    token_of(answers[0])
    assert [a.raw for a in answers] == [answers[0].raw] * 3


def test_a_reservation_counts_for_its_user(make_server, make_client):
    server = make_server(limits={"allocations_per_user": 2})
    rtp, rtcp, other = (make_client(of=server) for _ in range(3))
    token = token_of(rtp.allocate(turn.EVEN_PORT_AND_NEXT))
    assert other.allocate().code == 486
    assert rtcp.allocate(token).cls == stun.SUCCESS
    assert other.allocate().code == 486
    assert rtcp.refresh(0).lifetime == 0
    assert other.allocate(turn.EVEN_PORT_AND_NEXT).code == 486
    assert other.allocate().cls == stun.SUCCESS
