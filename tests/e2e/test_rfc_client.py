# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""A client of RFC 8489 and RFC 8656 that was written from their text (rfc/) gets along with the
server.

It raises a Violation at whatever an answer should not have, so that each exchange here is a check of
its form, too."""

import socket
import struct

import pytest

import lab as internet
from rfc import credentials, message
from rfc import numbers as n
from rfc.client import UDP_TRANSPORT
from server import FAMILIES, SECRETS, running
from test_authentication import rest

# The user of RFC 8489's appendix B.1, and one whose name comes decomposed here and composed there.
MATRIX = {"name": "マトリックス", "password": "TheMatrIX"}
DECOMPOSED = {"name": "Ju\u0308rgen", "password": "pass\u00a0wo\u0308rd"}
COMPOSED = ("J\u00fcrgen", "pass w\u00f6rd")

# What the client supports, and what it then uses: its algorithm, whether its name is hidden.
KINDS = {"everything": ({}, n.SHA256, True), "a name": ({"anonymous": False}, n.SHA256, False),
         "MD5": ({"supported": (n.MD5,)}, n.MD5, True),
         "SHA-256 alone": ({"supported": (n.SHA256,)}, n.SHA256, True),
         "RFC 5389": ({"supported": ()}, None, False)}
AUTHENTICATION = {n.MESSAGE_INTEGRITY, n.MESSAGE_INTEGRITY_SHA256, n.FINGERPRINT, n.SOFTWARE}
V6_TOO = (n.ADDITIONAL_ADDRESS_FAMILY, bytes((n.IPV6, 0, 0, 0)))
EVEN, EVEN_AND_NEXT = (n.EVEN_PORT, b"\0"), (n.EVEN_PORT, b"\x80")


def wanted(family):
    return n.REQUESTED_ADDRESS_FAMILY, bytes((family, 0, 0, 0))


def told(answer):
    """What an answer says besides who it is from."""
    return sorted(kind for kind in answer.types() if kind not in AUTHENTICATION)


@pytest.fixture(scope="module")
def modern(lab):
    """A server that knows all of its users, so that it offers USERHASH."""
    users = [{"name": name, "password": "wonderland"} for name in ("alice", "bob")]
    with running(lab, secrets=None, users=[*users, MATRIX, DECOMPOSED]) as it:
        yield it


@pytest.mark.parametrize("last", [False, True], ids=["plain", "FINGERPRINT"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_call_from_allocate_to_its_end(modern, make_rfc, make_peer, kind, family, last):
    how, algorithm, hidden = KINDS[kind]
    client, peer = make_rfc(modern, FAMILIES[family], last=last, **how), make_peer()
    whence = internet.name(peer)
    assert client.binding() == internet.name(client.sock)
    answer = client.allocate()
    assert (client.credentials.algorithm, client.credentials.hidden) == (algorithm, hidden)
    assert told(answer) == [n.LIFETIME, n.XOR_RELAYED_ADDRESS, n.XOR_MAPPED_ADDRESS]
    assert answer.endpoints(n.XOR_MAPPED_ADDRESS) == [internet.name(client.sock)]
    assert answer.number(n.LIFETIME) == 600
    (relayed,) = answer.endpoints(n.XOR_RELAYED_ADDRESS)
    assert relayed[0] == modern.host.v4[0] and 49152 <= relayed[1]

    answer = client.permit(whence)
    assert answer.cls == n.SUCCESS and told(answer) == []
    client.indicate(whence, b"by indication")
    assert peer.recvfrom(100) == (b"by indication", relayed)
    peer.sendto(b"back", relayed)
    assert client.take() == (whence, b"back")

    answer = client.bind(0x4ABC, whence)
    assert answer.cls == n.SUCCESS and told(answer) == []
    client.channel(0x4ABC, b"by channel")
    assert peer.recvfrom(100) == (b"by channel", relayed)
    peer.sendto(b"", relayed)
    assert client.take() == (0x4ABC, b"")

    answer = client.refresh(1200)
    assert told(answer) == [n.LIFETIME] and answer.number(n.LIFETIME) == 1200
    answer = client.refresh(0)
    assert told(answer) == [n.LIFETIME] and answer.number(n.LIFETIME) == 0
    assert client.refresh().code == 437
    assert client.allocate().cls == n.SUCCESS
    assert client.refresh(0).cls == n.SUCCESS


@pytest.mark.parametrize("user, password", [(MATRIX["name"], MATRIX["password"]), COMPOSED,
                                            (DECOMPOSED["name"], DECOMPOSED["password"])])
@pytest.mark.parametrize("kind", KINDS)
def test_names_beyond_ascii_are_the_same_on_both_sides(modern, make_rfc, user, password, kind):
    client = make_rfc(modern, user=user, password=password, **KINDS[kind][0])
    assert client.allocate().cls == n.SUCCESS
    assert client.refresh(0).cls == n.SUCCESS


def test_where_users_are_not_known_beforehand_names_are_not_hidden(server, make_rfc):
    user, password = rest(SECRETS[0])
    client = make_rfc(user=user, password=password)
    assert client.allocate().cls == n.SUCCESS
    assert not client.credentials.hidden and client.credentials.algorithm == n.SHA256
    assert credentials.features(client.credentials.nonce) == credentials.PASSWORD_ALGORITHMS_BIT


def test_where_a_user_has_no_key_by_sha_256_md5_is_all_there_is(make_server, make_rfc):
    key = credentials.long_term_key(n.MD5, "dora", b"relay.example", "secret")
    server = make_server(secrets=None, realm="relay.example",
                         users=[{"name": "dora", "key": key.hex()}])
    dora = make_rfc(server, user="dora", password="secret")
    assert dora.allocate().cls == n.SUCCESS
    assert dora.credentials.algorithm == n.MD5
    with pytest.raises(message.Violation, match="no algorithm that this client has"):
        make_rfc(server, user="dora", password="secret", supported=(n.SHA256,)).allocate()


def challenge(client):
    """The 401 to a first request."""
    return client.exchange(message.build(n.ALLOCATE, n.REQUEST, [UDP_TRANSPORT]))


def without(answer, *kinds, nonce=None):
    """What somebody on the path makes of an answer."""
    return message.read(message.build(answer.method, answer.cls, [
        (kind, nonce if kind == n.NONCE and nonce else value)
        for kind, value, _ in answer.attributes if kind not in kinds], answer.tid))


def test_a_client_notices_that_password_algorithms_was_taken_away(modern, make_rfc):
    client = make_rfc(modern)
    with pytest.raises(message.Violation, match="bid down"):
        client.credentials.learn(without(challenge(client), n.PASSWORD_ALGORITHMS))


def test_the_server_notices_that_an_algorithm_was_taken_away(modern, make_rfc):
    client = make_rfc(modern)
    client.credentials.learn(challenge(client))
    client.credentials.offer = struct.pack("!HH", n.MD5, 0)
    client.credentials.algorithm = n.MD5
    answer = client.exchange(client.request(n.ALLOCATE, [UDP_TRANSPORT]))
    assert answer.code == 400 and told(answer) == [n.ERROR_CODE]
    assert not AUTHENTICATION & set(answer.types())


def test_the_server_notices_that_the_features_were_taken_away(modern, make_rfc):
    client = make_rfc(modern)
    first = challenge(client)
    bare = first.get(n.NONCE)[:9] + b"AAAA" + first.get(n.NONCE)[13:]
    client.credentials.learn(without(first, n.PASSWORD_ALGORITHMS, nonce=bare))
    assert client.credentials.algorithm is None and not client.credentials.hidden
    answer = client.exchange(client.request(n.ALLOCATE, [UDP_TRANSPORT]))
    assert answer.code == 438
    client.check_challenge(answer)
    # And what it offers then is the truth again.
    client.credentials.learn(answer)
    assert client.credentials.algorithm == n.SHA256 and client.credentials.hidden


@pytest.mark.parametrize("kind", KINDS)
def test_a_stale_nonce_costs_a_client_one_more_round_and_no_allocation(modern, make_rfc, kind):
    client, other = make_rfc(modern, **KINDS[kind][0]), make_rfc(modern)
    assert client.allocate().cls == n.SUCCESS
    client.credentials.nonce = challenge(other).get(n.NONCE)  # of another port
    assert client.refresh(700).number(n.LIFETIME) == 700
    assert client.refresh(0).cls == n.SUCCESS


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_of_another_password_is_not_let_in(modern, make_rfc, kind):
    answer = make_rfc(modern, password="looking glass", **KINDS[kind][0]).allocate()
    assert answer.code == 401 and told(answer) == sorted(
        [n.ERROR_CODE, n.REALM, n.NONCE, n.PASSWORD_ALGORITHMS])


def behind(client, method, attributes, *after):
    """A request with attributes behind its integrity."""
    whole = client.request(method, attributes)
    whole += b"".join(message.attribute(kind, value) for kind, value in after)
    return message.with_length(whole, len(whole) - 20)


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_after_the_integrity_is_not_read(modern, make_rfc, kind):
    client = make_rfc(modern, **KINDS[kind][0])
    assert client.allocate().cls == n.SUCCESS
    answer = client.exchange(behind(client, n.REFRESH, [], (n.LIFETIME, bytes(4)), (0x7ABC, b"?"),
                                    (n.REQUESTED_ADDRESS_FAMILY, bytes((n.IPV6, 0, 0, 0)))))
    client.check_integrity(answer)
    assert answer.number(n.LIFETIME) == 600
    assert client.refresh(0).cls == n.SUCCESS


def test_of_both_integrities_the_one_by_sha_256_counts(modern, make_rfc):
    client = make_rfc(modern)
    assert client.allocate().cls == n.SUCCESS
    c = client.credentials
    parts = [(n.LIFETIME, struct.pack("!I", 900)), *c.attributes()]
    bare = message.build(n.REFRESH, n.REQUEST, parts)
    for first, second, code in ((c.key, c.key, None), (b"wrong", c.key, None),
                                (c.key, b"wrong", 401)):
        both = message.sign(message.sign(bare, n.MESSAGE_INTEGRITY, first),
                            n.MESSAGE_INTEGRITY_SHA256, second)
        assert client.exchange(both).code == code
        bare = message.build(n.REFRESH, n.REQUEST, parts)
    assert client.refresh(0).cls == n.SUCCESS


def test_lost_answers_leave_both_sides_of_one_mind(modern, make_rfc, make_peer):
    client, peer = make_rfc(modern, rto=0.2), make_peer()
    whence = internet.name(peer)
    assert client.allocate().cls == n.SUCCESS and client.refresh(0).cls == n.SUCCESS

    def unheard(ask, *args):
        client.lose, client.lost = 2, []
        answer = ask(*args)
        assert client.retransmissions >= 2 and len(client.lost) == 2
        return answer, client.lost

    answer, lost = unheard(client.allocate)
    assert {a.raw for a in lost} == {answer.raw}
    for ask, args in ((client.refresh, (1000,)), (client.permit, (whence,)),
                      (client.bind, (0x4000, whence))):
        answer, lost = unheard(ask, *args)
        assert answer.cls == n.SUCCESS and {a.raw for a in lost} == {answer.raw}
    client.channel(0x4000, b"still")
    assert peer.recvfrom(100) == (b"still", client_relayed(modern, client))
    answer, _ = unheard(client.refresh, 0)
    assert answer.code in (None, 437)
    assert client.refresh().code == 437


def client_relayed(server, client):
    """What the server says that a client's relayed address is."""
    ip, port = internet.name(client.sock)
    mine = next(a for a in server.ctl("allocations")["allocations"]
                if a["client"] == f"{ip}:{port}")
    address, _, port = mine["relayed"].rpartition(":")
    return address, int(port)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_client_that_is_sent_elsewhere_goes_there(server, make_server, make_rfc, family):
    drained = make_server(redirect={"servers": [f"{server.host.v4[0]}:3478",
                                                f"[{server.host.v6[0]}]:3478"]})
    client = make_rfc(drained, FAMILIES[family])
    answer = client.allocate()
    assert answer.cls == n.SUCCESS and client.server == server.address(FAMILIES[family])
    assert answer.endpoints(n.XOR_RELAYED_ADDRESS)[0][0] == server.host.v4[0]
    # Without credentials nobody is sent anywhere (RFC 8489 section 14.8).
    stranger = make_rfc(drained, FAMILIES[family])
    assert challenge(stranger).code == 401
    assert stranger.binding() == internet.name(stranger.sock)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_dual_allocation_is_two_that_live_and_die_apart(modern, make_rfc, make_peer, family):
    client = make_rfc(modern, FAMILIES[family])
    answer = client.allocate(V6_TOO)
    assert told(answer) == [n.LIFETIME, n.XOR_RELAYED_ADDRESS, n.XOR_RELAYED_ADDRESS,
                            n.XOR_MAPPED_ADDRESS]
    relayed = dict(zip("46", sorted(answer.endpoints(n.XOR_RELAYED_ADDRESS),
                                    key=lambda e: ":" in e[0])))
    assert (relayed["4"][0], relayed["6"][0]) == (modern.host.v4[0], modern.host.v6[0])
    peers = {"4": make_peer(), "6": make_peer(socket.AF_INET6)}
    names = {v: internet.name(sock) for v, sock in peers.items()}
    assert client.permit(*names.values()).cls == n.SUCCESS
    for number, version in ((0x4000, "4"), (0x4001, "6")):
        assert client.bind(number, names[version]).cls == n.SUCCESS
        client.channel(number, b"out")
        payload, source = peers[version].recvfrom(100)
        assert (payload, source[:2]) == (b"out", relayed[version])
        peers[version].sendto(b"in", relayed[version])
        assert client.take() == (number, b"in")
    assert client.bind(0x4000, names["6"]).code == 400
    assert client.refresh(0, wanted(n.IPV6)).number(n.LIFETIME) == 0
    assert client.refresh(None, wanted(n.IPV6)).code == 443
    assert client.permit(names["6"]).code == 443
    client.channel(0x4000, b"goes on")
    assert peers["4"].recv(100) == b"goes on"
    assert client.refresh(0).cls == n.SUCCESS
    assert client.refresh().code == 437


def test_ports_in_pairs_for_rtp(modern, make_rfc):
    first, second, third = (make_rfc(modern) for _ in range(3))
    assert first.allocate(EVEN).endpoints(n.XOR_RELAYED_ADDRESS)[0][1] % 2 == 0
    assert first.refresh(0).cls == n.SUCCESS
    answer = first.allocate(EVEN_AND_NEXT)
    assert told(answer) == [n.LIFETIME, n.XOR_RELAYED_ADDRESS, n.XOR_MAPPED_ADDRESS,
                            n.RESERVATION_TOKEN]
    ((ip, port),) = answer.endpoints(n.XOR_RELAYED_ADDRESS)
    token = n.RESERVATION_TOKEN, answer.get(n.RESERVATION_TOKEN)
    answer = second.allocate(token)
    assert told(answer) == [n.LIFETIME, n.XOR_RELAYED_ADDRESS, n.XOR_MAPPED_ADDRESS]
    assert answer.endpoints(n.XOR_RELAYED_ADDRESS) == [(ip, port + 1)] and port % 2 == 0
    assert third.allocate(token).code == 508
    assert first.refresh(0).cls == second.refresh(0).cls == n.SUCCESS
