# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Whatever is sent to the server, by whomever: it lives, serves the honest, and accounts for every
packet.

hostile.py has the datagrams. After each kind of them: what arrived is what was sent, every packet was
relayed, punted or dropped under a name, every punt was answered or dropped under a name, every answer
is a well-formed message, nothing is allocated that was not before, and no secret is in the log."""

import contextlib
import socket
import struct

import pytest

import hostile
import lab as internet
from rfc import message
from rfc import numbers as n
from rfc.client import Client
from server import SECRETS, running, wait_until
from test_counters import CLIENT_DROPS, PEER_DROPS, names

CHUNK = 64
PASSWORD = "a secret of many letters"
ANSWERS = ["success_responses"] + [name for name in names("TP_CONTROL_COUNTERS")
                                   if name.startswith("error_")]
# A request of a method that the server has not is discarded (RFC 8489 section 6.3).
SILENCES = [name for name in names("TP_CONTROL_COUNTERS")
            if name.startswith("drop_")] + ["punt_bad", "other_requests"]
# A 401, or a 420 with as many names as an answer may have; challenges are within 120 (RFC 8489).
LONGEST_TO_STRANGERS = 120
CHANNEL = 0x4000
RTO = 10  # a request that is sent twice is counted twice


class Scene:
    """A server, an honest client in a call, and those who mean harm."""

    def __init__(self, lab, server):
        self.lab, self.server, self.made = lab, server, []
        self.friend, self.honest = self.peer(1), self.client("carol")
        self.call(self.honest, self.friend)
        self.friend2, self.member = self.peer(2), self.client("alice")
        self.call(self.member, self.friend2)
        self.newcomer, self.stranger = self.client("bob"), self.client("nobody")
        assert self.newcomer.refresh().code == 437  # it has a nonce now
        # bob's name on alice's 5-tuple
        self.impostor = Client(self.member.sock, self.member.server, "bob", PASSWORD, rto=RTO)
        assert self.impostor.refresh().code == 441
        self.drain()

    def client(self, user):
        sock = self.lab.client.udp(self.lab.client.v4[0], buffer=1 << 22)
        self.made.append(Client(sock, self.server.address(socket.AF_INET), user, PASSWORD,
                                rto=RTO))
        return self.made[-1]

    def peer(self, host):
        sock = self.lab.peer.udp(self.lab.peer.v4[host], buffer=1 << 22)
        sock.settimeout(20)
        self.made.append(sock)
        return sock

    @staticmethod
    def call(client, friend):
        answer = client.allocate()
        assert answer.cls == n.SUCCESS, answer.code
        client.relayed = answer.endpoints(n.XOR_RELAYED_ADDRESS)[0]
        assert client.bind(CHANNEL, internet.name(friend)).cls == n.SUCCESS

    def sender(self, name):
        """The client that sends, and whose messages these are."""
        client = getattr(self, name)
        credentials = client.credentials if client.credentials.nonce is not None else None
        return client, hostile.Sender(credentials, internet.name(self.friend2))

    def drain(self):
        """Takes what the friends were sent: those who mean harm may send, too."""
        for sock in (self.friend, self.friend2):
            sock.setblocking(False)
            try:
                while True:
                    sock.recv(1 << 16)
            except BlockingIOError:
                sock.settimeout(20)

    def honest_call(self):
        """The honest client is served as ever: two packets, and one answer."""
        self.honest.channel(CHANNEL, b"hello")
        assert self.friend.recv(100) == b"hello"
        self.friend.sendto(b"and hello", self.honest.relayed)
        assert self.honest.take() == (CHANNEL, b"and hello")
        assert self.honest.refresh().cls == n.SUCCESS
        assert self.honest.retransmissions == 0

    def close(self):
        for it in self.made:
            it.close()


@pytest.fixture(scope="module")
def scene(lab):
    users = [{"name": name, "password": PASSWORD} for name in ("alice", "bob", "carol")]
    with running(lab, users=users) as server, contextlib.closing(Scene(lab, server)) as it:
        yield it


def total(counters, which):
    return sum(counters[name] for name in which)


def settled(server, before, sent):
    """The counters once every packet that was sent has been accounted for."""
    now = {}

    def all_there():
        now.update(server.counters())
        arrived = now["client_packets"] - before["client_packets"]
        assert arrived <= sent, (arrived, sent)
        return arrived == sent and now["punted"] - before["punted"] == accounted(now, before)
    try:
        wait_until(all_there, what="every packet accounted for")
    except AssertionError:
        changed = {name: value - before[name] for name, value in now.items()
                   if value != before[name]}
        raise AssertionError(f"sent {sent}: {changed}") from None
    return now


def accounted(now, before):
    """Punts that were answered or dropped under a name."""
    return total(now, ANSWERS + SILENCES) - total(before, ANSWERS + SILENCES)


def sums_hold(now):
    assert now["client_packets"] == total(now, ["relayed_to_peer", "punted", *CLIENT_DROPS])
    assert now["peer_packets"] == total(now, ["relayed_to_client", *PEER_DROPS])


def bombard(client, datagrams, longest=None):
    """Sends them all, with a Binding request behind each chunk whose answer says that there is room
    for more. Returns how many were sent, and the answers, the Bindings' among them."""
    sent, answers = 0, []
    chunk = []

    def flush():
        nonlocal sent
        for raw in chunk:
            client.send(raw)
        last = message.build(n.BINDING, n.REQUEST)
        client.send(last)
        sent += len(chunk) + 1
        chunk.clear()
        while True:
            raw = client.receive(20)
            assert raw is not None, "the server does not answer any more"
            if raw[0] >= 0x40:
                continue
            answer = message.read(raw)
            if answer.cls == n.INDICATION:  # a spoilt port at a peer may be a closed one
                assert answer.method == n.DATA and n.ICMP in answer.types()
                continue
            answers.append(answer)
            if answer.tid == last[8:20]:
                return

    for raw in datagrams:
        chunk.append(raw)
        if len(chunk) == CHUNK:
            flush()
    flush()
    assert longest is None or all(len(answer.raw) <= longest for answer in answers)
    return sent, answers


@pytest.mark.parametrize("who", ["stranger", "newcomer", "member", "impostor"])
@pytest.mark.parametrize("kind", hostile.KINDS)
def test_no_datagram_does_harm(scene, kind, who):
    server = scene.server
    client, sender = scene.sender(who)
    before, allocations = server.counters(), len(server.ctl("allocations")["allocations"])
    sent, answers = bombard(client, hostile.KINDS[kind](sender),
                            LONGEST_TO_STRANGERS if who == "stranger" else None)
    scene.honest_call()
    now = settled(server, before, sent + 2)
    sums_hold(now)
    # What was answered has arrived.
    assert total(now, ANSWERS) - total(before, ANSWERS) == len(answers) + 1
    assert all(answer.cls in (n.SUCCESS, n.ERROR) and answer.method in hostile.METHODS
               for answer in answers)
    recover(scene)
    assert len(server.ctl("allocations")["allocations"]) == allocations == 2
    assert not any(secret in line for line in server.log for secret in (PASSWORD, *SECRETS))
    scene.drain()


def recover(scene):
    """Undoes what was done rightfully: a spoilt message that is signed may still be a request."""
    assert scene.newcomer.refresh(0).code in (None, 437)
    if scene.member.refresh().code == 437:
        scene.call(scene.member, scene.friend2)


@pytest.mark.parametrize("kind", ["truncated", "header_lengths", "types", "responses", "first_bytes",
                                  "channels"])
def test_what_a_peer_sends_is_data_whatever_it_looks_like(scene, kind):
    """And what a stranger sends to a relayed address is nothing, whatever it looks like."""
    before, sent = scene.server.counters(), 0
    stranger = scene.peer(3)
    datagrams = list(hostile.KINDS[kind](hostile.Sender(None, internet.name(scene.friend))))[:1000]
    for raw in datagrams:
        stranger.sendto(raw, scene.honest.relayed)
        scene.friend.sendto(raw, scene.honest.relayed)
        assert scene.honest.take() == (CHANNEL, raw)
        sent += 1
    scene.honest_call()

    def counted():
        now = scene.server.counters()
        return [now[name] - before[name] for name in ("peer_no_permission", "relayed_to_client")]
    wait_until(lambda: counted() == [sent, sent + 1], what=f"{sent} of each, are {counted()}")
    sums_hold(scene.server.counters())
