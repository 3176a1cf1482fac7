# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Long-term credentials (RFC 8489 section 9.2.4) and the TURN REST convention."""

import base64
import hmac
import socket
import struct
import time

import pytest

import stun
import turn
from server import FAMILIES, SECRETS

ALTERNATE_SERVER = 0x8023
BARE_ALLOCATE = [turn.UDP_TRANSPORT]
AUTHENTICATION = {stun.USERNAME, stun.REALM, stun.NONCE, stun.MESSAGE_INTEGRITY}


def test_without_credentials_401_has_error_realm_and_nonce_and_nothing_else_of_note(client):
    answer = client.challenge()
    assert answer.method == stun.ALLOCATE
    assert {stun.ERROR_CODE, stun.REALM, stun.NONCE} <= set(answer.types())
    assert not {stun.SOFTWARE, stun.USERNAME, stun.MESSAGE_INTEGRITY} & set(answer.types())
    assert len(answer[stun.NONCE]) < 128 and len(answer[stun.REALM]) < 128


@pytest.mark.parametrize("family", FAMILIES)
def test_a_401_to_a_browsers_first_allocate_stays_within_120_bytes(make_client, family):
    request = stun.encode(stun.ALLOCATE, stun.REQUEST, BARE_ALLOCATE)
    assert len(request) == 28
    assert len(make_client(FAMILIES[family]).transact(request).raw) <= 120


@pytest.mark.parametrize("method", [stun.REFRESH, stun.CREATE_PERMISSION, stun.CHANNEL_BIND])
def test_every_turn_request_without_credentials_gets_401(client, method):
    assert client.transact(stun.encode(method, stun.REQUEST)).code == 401


def test_an_unknown_attribute_does_not_come_before_authentication(client):
    request = stun.encode(stun.ALLOCATE, stun.REQUEST, [*BARE_ALLOCATE, (0x7ABC, b"what")])
    assert client.transact(request).code == 401


@pytest.mark.parametrize("missing", [stun.USERNAME, stun.REALM, stun.NONCE])
def test_integrity_without_the_rest_gets_400_without_realm_and_nonce(client, missing):
    client.challenge()
    answer = client.transact(stun.encode(
        stun.ALLOCATE, stun.REQUEST, [*BARE_ALLOCATE, *client.credentials(omit=[missing])],
        key=client.key))
    assert answer.code == 400
    assert not AUTHENTICATION & set(answer.types())
    assert stun.SOFTWARE not in answer


@pytest.mark.parametrize("length", [0, 19, 21, 32])
def test_integrity_of_a_wrong_length_gets_400(client, length):
    client.challenge()
    answer = client.transact(stun.encode(
        stun.ALLOCATE, stun.REQUEST,
        [*BARE_ALLOCATE, *client.credentials(), (stun.MESSAGE_INTEGRITY, bytes(length))]))
    assert answer.code == 400
    assert stun.SOFTWARE not in answer


@pytest.mark.parametrize("user, password", [("alice", "wrong"), ("nobody", "wonderland"),
                                            ("", "wonderland"), ("a" * 508, "x")])
def test_wrong_credentials_get_a_401_that_does_not_tell_which(make_client, user, password):
    wrong = make_client(user=user, password=password)
    wrong.challenge()
    answer = wrong.transact(wrong.request(stun.ALLOCATE, BARE_ALLOCATE))
    assert answer.code == 401
    bare = wrong.transact(stun.encode(stun.ALLOCATE, stun.REQUEST, BARE_ALLOCATE))
    assert answer.types() == bare.types()
    assert answer[stun.ERROR_CODE] == bare[stun.ERROR_CODE]


def test_a_changed_byte_breaks_the_integrity(client):
    request = bytearray(client.request(stun.ALLOCATE, [*BARE_ALLOCATE, turn.lifetime(600)]))
    request[20 + 8 + 4 + 3] ^= 1  # the lifetime's last byte
    assert client.transact(bytes(request)).code == 401


def test_the_realm_of_another_server_gets_401(client):
    client.challenge()
    client.realm = "elsewhere"
    assert client.transact(client.request(stun.ALLOCATE, BARE_ALLOCATE)).code == 401


def stale(client, nonce):
    """Asks with `nonce`, expects 438, and that the nonce offered in it works."""
    client.nonce = nonce
    answer = client.transact(client.request(stun.ALLOCATE, BARE_ALLOCATE))
    assert answer.code == 438, answer
    assert answer[stun.REALM].decode() == client.realm
    assert answer[stun.NONCE] != nonce
    assert stun.USERNAME not in answer and stun.SOFTWARE not in answer
    client.nonce = answer[stun.NONCE]
    assert client.allocate().cls == stun.SUCCESS


def test_a_nonce_of_another_source_port_gets_438_and_a_new_one(client, make_client):
    client.challenge()
    moved = make_client()
    moved.realm = client.realm
    stale(moved, client.nonce)


@pytest.mark.parametrize("position", [0, 10, -1])
def test_a_nonce_with_a_changed_character_gets_438_and_a_new_one(client, position):
    client.challenge()
    nonce = bytearray(client.nonce)
    nonce[position] = ord("A") if nonce[position] != ord("A") else ord("B")
    stale(client, bytes(nonce))


def test_a_nonce_of_a_life_before_gets_438_and_a_new_one(client):
    client.challenge()
    stale(client, b"5f3a9d1e7c")


def test_a_nonce_serves_more_than_one_request(allocated):
    nonce = allocated.nonce
    for _ in range(3):
        assert allocated.refresh(600).cls == stun.SUCCESS
    assert allocated.nonce == nonce


def rest(secret, name="somebody", seconds=3600, separator=":"):
    """A user and password as draft-uberti-behave-turn-rest gives them out."""
    user = f"{int(time.time()) + seconds}{separator}{name}"
    return user, base64.b64encode(hmac.digest(secret.encode(), user.encode(), "sha1")).decode()


@pytest.mark.parametrize("secret", SECRETS)
def test_a_rest_user_of_any_secret_is_let_in(make_client, secret):
    assert make_client(socket.AF_INET, *rest(secret)).allocate().cls == stun.SUCCESS


def test_a_rest_user_of_an_unknown_secret_gets_401(make_client):
    assert make_client(socket.AF_INET, *rest("no wind")).allocate().code == 401


def test_an_expired_rest_user_gets_401(make_client):
    assert make_client(socket.AF_INET, *rest(SECRETS[0], seconds=-10)).allocate().code == 401


@pytest.mark.parametrize("user", ["soon:name", ":name", "-1:name", "99999999999999999999:name"])
def test_a_rest_user_without_a_sane_expiry_gets_401(make_client, user):
    password = base64.b64encode(hmac.digest(SECRETS[0].encode(), user.encode(), "sha1")).decode()
    assert make_client(socket.AF_INET, user, password).allocate().code == 401


def test_a_configured_realm_and_key_are_used(make_server, make_client):
    key = stun.long_term_key("dora", "relay.example", "secret")
    server = make_server(realm="relay.example", users=[{"name": "dora", "key": key.hex()}])
    dora = make_client(user="dora", password="secret", of=server)
    assert dora.challenge()[stun.REALM] == b"relay.example"
    assert dora.allocate().cls == stun.SUCCESS


def test_a_flood_without_credentials_is_answered_at_the_configured_rate(make_server, make_client):
    server = make_server(limits={"unauthenticated_per_second": 10})
    known = make_client(of=server)
    assert known.allocate().cls == stun.SUCCESS
    flood = make_client(of=server)
    for _ in range(1000):
        flood.send_raw(stun.encode(stun.ALLOCATE, stun.REQUEST, BARE_ALLOCATE))
    # Whoever has credentials is served behind the flood, which is over when the answer comes:
    # one worker's punts keep their order, and so do two's once both clients had an answer.
    assert known.refresh(600).cls == stun.SUCCESS
    server.expect_count("drop_rate_limited", 900)
    assert 1 <= len(flood.pending()) <= 100


def test_a_redirection_sends_new_allocations_to_a_server_of_the_clients_family(
        make_server, make_client):
    server = make_server(redirect={"servers": ["192.0.2.99:3478", "[2001:db8:9::9]:5349"]})
    addresses = {"v4": b"\0\1" + struct.pack("!H", 3478) + socket.inet_aton("192.0.2.99"),
                 "v6": b"\0\2" + struct.pack("!H", 5349)
                 + socket.inet_pton(socket.AF_INET6, "2001:db8:9::9")}
    for family, other in (("v4", "v6"), ("v6", "v4")):
        client = make_client(FAMILIES[family], of=server)
        answer = client.allocate()
        assert answer.code == 300
        told = [value for kind, value in answer.attributes if kind == ALTERNATE_SERVER]
        assert told == [addresses[family], addresses[other]]
        assert client.binding().cls == stun.SUCCESS
