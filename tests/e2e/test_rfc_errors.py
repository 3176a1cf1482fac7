# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Each error in its case, to the last attribute, seen by the client of the RFCs' text (rfc/)."""

import struct

import pytest

import lab as internet
from rfc import message
from rfc import numbers as n
from rfc.client import UDP_TRANSPORT, peer
from server import running
from test_rfc_client import AUTHENTICATION, EVEN, EVEN_AND_NEXT, V6_TOO, challenge, told, wanted

TOKEN = n.RESERVATION_TOKEN, b"\xa5" * 8
TCP = 6
PEER4, PEER6 = ("203.0.113.10", 4000), ("2001:db8:3::a", 4000)


def transport(value):
    return n.REQUESTED_TRANSPORT, value


def number(value):
    return n.CHANNEL_NUMBER, struct.pack("!HH", value, 0)


# Of an Allocate without an allocation: attributes and what they get.
ALLOCATES = {
    "no REQUESTED-TRANSPORT": ([], 400),
    "an empty one": ([transport(b"")], 400),
    "one of 3 bytes": ([transport(bytes((n.UDP, 0, 0)))], 400),
    "one of 8 bytes": ([transport(bytes((n.UDP,)) + bytes(7))], 400),
    "TCP": ([transport(bytes((TCP, 0, 0, 0)))], 442),
    "protocol 0": ([transport(bytes(4))], 442),
    "protocol 255": ([transport(b"\xff\0\0\0")], 442),
    "TCP first, then UDP": ([transport(bytes((TCP, 0, 0, 0))), UDP_TRANSPORT], 442),
    "family 0": ([UDP_TRANSPORT, wanted(0)], 440),
    "family 3": ([UDP_TRANSPORT, wanted(3)], 440),
    "a family of 1 byte": ([UDP_TRANSPORT, (n.REQUESTED_ADDRESS_FAMILY, b"\1")], 400),
    "a family and another": ([UDP_TRANSPORT, wanted(n.IPV4), V6_TOO], 400),
    "IPv4 as the other family": ([UDP_TRANSPORT, (n.ADDITIONAL_ADDRESS_FAMILY, b"\1\0\0\0")], 400),
    "a token and EVEN-PORT": ([UDP_TRANSPORT, TOKEN, EVEN], 400),
    "a token and a family": ([UDP_TRANSPORT, TOKEN, wanted(n.IPV4)], 400),
    "a token and both families": ([UDP_TRANSPORT, TOKEN, V6_TOO], 400),
    "a token of nobody's": ([UDP_TRANSPORT, TOKEN], 508),
    "a token of 7 bytes": ([UDP_TRANSPORT, (n.RESERVATION_TOKEN, bytes(7))], 400),
    "a pair of ports in both families": ([UDP_TRANSPORT, EVEN_AND_NEXT, V6_TOO], 400),
    "EVEN-PORT of no bytes": ([UDP_TRANSPORT, (n.EVEN_PORT, b"")], 400),
    "LIFETIME of 3 bytes": ([UDP_TRANSPORT, (n.LIFETIME, bytes(3))], 400),
    "DONT-FRAGMENT of 4 bytes": ([UDP_TRANSPORT, (n.DONT_FRAGMENT, bytes(4))], 400),
    "an unknown attribute before the transport is looked at": ([(0x7ABC, b"")], 420),
}
# Of a request on an allocation of an IPv4 address, 0x4000 bound to PEER4: method, attributes, code.
OTHERS = {
    "another Allocate": (n.ALLOCATE, [UDP_TRANSPORT], 437),
    "another Allocate, malformed": (n.ALLOCATE, [], 437),
    "Refresh of IPv6": (n.REFRESH, [wanted(n.IPV6)], 443),
    "Refresh of family 9": (n.REFRESH, [wanted(9)], 443),
    "Refresh with LIFETIME of 5 bytes": (n.REFRESH, [(n.LIFETIME, bytes(5))], 400),
    "CreatePermission of nobody": (n.CREATE_PERMISSION, [], 400),
    "CreatePermission of an IPv6 peer": (n.CREATE_PERMISSION, [PEER6], 443),
    "CreatePermission of a second peer of IPv6": (n.CREATE_PERMISSION, [PEER4, PEER6], 443),
    "CreatePermission of one inside": (n.CREATE_PERMISSION, [("10.0.0.1", 1)], 403),
    "CreatePermission of an empty peer": (n.CREATE_PERMISSION, [(n.XOR_PEER_ADDRESS, b"")], 400),
    "CreatePermission of a second, empty peer": (
        n.CREATE_PERMISSION, [PEER4, (n.XOR_PEER_ADDRESS, b"")], 400),
    "ChannelBind of nothing": (n.CHANNEL_BIND, [], 400),
    "ChannelBind without a number": (n.CHANNEL_BIND, [PEER4], 400),
    "ChannelBind without a peer": (n.CHANNEL_BIND, [number(0x4001)], 400),
    "ChannelBind of 0x3FFF": (n.CHANNEL_BIND, [number(0x3FFF), PEER4], 400),
    "ChannelBind of 0x5000": (n.CHANNEL_BIND, [number(0x5000), PEER4], 400),
    "ChannelBind of 0xFFFF": (n.CHANNEL_BIND, [number(0xFFFF), PEER4], 400),
    "ChannelBind of a peer that has another": (n.CHANNEL_BIND, [number(0x4001), PEER4], 400),
    "ChannelBind of a number in use": (
        n.CHANNEL_BIND, [number(0x4000), ("203.0.113.11", 4000)], 400),
    "ChannelBind of an IPv6 peer": (n.CHANNEL_BIND, [number(0x4001), PEER6], 443),
    "ChannelBind of one inside": (n.CHANNEL_BIND, [number(0x4001), ("127.0.0.1", 80)], 403),
    "ChannelBind of port 0": (n.CHANNEL_BIND, [number(0x4001), ("203.0.113.11", 0)], 400),
    "ChannelBind with a number of 2 bytes": (
        n.CHANNEL_BIND, [(n.CHANNEL_NUMBER, b"\x40\1"), PEER4], 400),
    **{f"an unknown attribute in {name}": (method, [(0x7ABC, b"?")], 420) for name, method in (
        ("Refresh", n.REFRESH), ("CreatePermission", n.CREATE_PERMISSION),
        ("ChannelBind", n.CHANNEL_BIND))},
}


@pytest.fixture(scope="module")
def strict(lab):
    """A server for IPv4 and IPv6 that knows all of its users."""
    with running(lab, secrets=None, limits={
            "unauthenticated_per_second": 0, "network_unauthenticated_per_second": 0,
            "allocations_per_user": 40, "permissions_per_allocation": 3}) as it:
        yield it


def is_error(answer, code):
    """An error of this code with nothing else in it; the client has checked its integrity."""
    assert answer.code == code, (answer.code, code)
    assert told(answer) == [n.ERROR_CODE] + [n.UNKNOWN_ATTRIBUTES] * (code == 420)
    assert {n.MESSAGE_INTEGRITY, n.MESSAGE_INTEGRITY_SHA256} & set(answer.types())


def asked(client, method, attributes):
    """Peers among the attributes are endpoints, which are XORed for each transaction."""
    return client.ask(method, lambda tid: [
        peer(a, tid) if isinstance(a[0], str) else a for a in attributes])


@pytest.fixture
def allocated(strict, make_rfc):
    client = make_rfc(strict)
    assert client.allocate().cls == n.SUCCESS
    assert client.bind(0x4000, PEER4).cls == n.SUCCESS
    yield client
    assert client.refresh(0).cls == n.SUCCESS


@pytest.mark.parametrize("what", ALLOCATES)
def test_an_allocate_that_can_not_be_granted_gets_its_code_and_nothing_is_made(
        strict, make_rfc, what):
    attributes, code = ALLOCATES[what]
    client = make_rfc(strict)
    is_error(client.ask(n.ALLOCATE, attributes), code)
    is_error(client.refresh(), 437)


@pytest.mark.parametrize("kind", ["everything", "RFC 5389"])
def test_a_request_that_can_not_be_granted_gets_its_code_and_changes_nothing(
        strict, make_rfc, kind):
    client = make_rfc(strict, **({"supported": ()} if kind == "RFC 5389" else {}))
    assert client.allocate().cls == n.SUCCESS
    assert client.bind(0x4000, PEER4).cls == n.SUCCESS
    for what, (method, attributes, code) in OTHERS.items():
        answer = asked(client, method, attributes)
        assert answer.code == code, what
        is_error(answer, code)
    assert len(strict.ctl("allocations")["allocations"]) == 1
    assert client.bind(0x4000, PEER4).cls == n.SUCCESS
    assert client.refresh(0).cls == n.SUCCESS


@pytest.mark.parametrize("method", [n.REFRESH, n.CREATE_PERMISSION, n.CHANNEL_BIND])
def test_without_an_allocation_437(strict, make_rfc, method):
    client = make_rfc(strict)
    is_error(client.ask(method, lambda tid: [number(0x4000), peer(PEER4, tid)]), 437)


@pytest.mark.parametrize("method", [n.REFRESH, n.CREATE_PERMISSION, n.CHANNEL_BIND])
def test_of_another_user_441_signed_by_that_users_key(allocated, method):
    first = allocated.credentials
    allocated.credentials = type(first)("bob", "wonderland")
    is_error(allocated.ask(method, lambda tid: [
        number(0x4001), peer(("203.0.113.12", 1), tid), (n.LIFETIME, bytes(4))]), 441)
    allocated.credentials = first
    assert allocated.refresh().cls == n.SUCCESS


def test_another_users_allocate_on_a_5_tuple_in_use_is_437(allocated):
    first = allocated.credentials
    allocated.credentials = type(first)("bob", "wonderland")
    is_error(allocated.allocate(), 437)
    allocated.credentials, allocated.allocated = first, True


def test_over_the_quota_486_and_over_the_permissions_508(strict, make_rfc):
    clients = [make_rfc(strict, user="carol") for _ in range(41)]
    answers = [client.allocate() for client in clients]
    assert [a.code for a in answers[:40]] == [None] * 40
    is_error(answers[40], 486)
    for host in range(3):
        assert clients[0].permit((f"203.0.113.{20 + host}", 0)).cls == n.SUCCESS
    is_error(clients[0].permit(("203.0.113.30", 0)), 508)
    is_error(clients[0].permit(*((f"203.0.113.{40 + host}", 0) for host in range(30))), 508)
    for client in clients[:40]:
        assert client.refresh(0).cls == n.SUCCESS
    assert clients[40].allocate().cls == n.SUCCESS
    assert clients[40].refresh(0).cls == n.SUCCESS


UNKNOWN = [0x7ABC, 0x0002, 0x7FFF, 0x0030]


@pytest.mark.parametrize("method", [n.ALLOCATE, n.REFRESH, n.BINDING])
def test_420_names_what_is_unknown_in_its_order_once_each(strict, make_rfc, method):
    client = make_rfc(strict)
    attributes = [(kind, b"x" * size) for size, kind in enumerate([*UNKNOWN, 0x7ABC, 0xFABC])]
    if method == n.BINDING:
        answer = client.exchange(message.build(method, n.REQUEST, attributes))
        assert answer.code == 420 and told(answer) == [n.ERROR_CODE, n.UNKNOWN_ATTRIBUTES]
    else:
        is_error(answer := client.ask(method, attributes), 420)
    assert answer.get(n.UNKNOWN_ATTRIBUTES) == struct.pack("!4H", *UNKNOWN)


CREDENTIALS = {n.USERNAME, n.USERHASH, n.REALM, n.NONCE, n.PASSWORD_ALGORITHMS,
               n.PASSWORD_ALGORITHM}
MISSING = {"USERNAME and USERHASH": {n.USERNAME, n.USERHASH}, "REALM": {n.REALM},
           "NONCE": {n.NONCE}, "PASSWORD-ALGORITHM": {n.PASSWORD_ALGORITHM},
           "PASSWORD-ALGORITHMS": {n.PASSWORD_ALGORITHMS},
           "all of them": CREDENTIALS}


@pytest.mark.parametrize("what", MISSING)
@pytest.mark.parametrize("anonymous", [False, True], ids=["USERNAME", "USERHASH"])
def test_credentials_with_a_part_missing_get_a_bare_400(strict, make_rfc, what, anonymous):
    client = make_rfc(strict, anonymous=anonymous)
    c = client.credentials
    c.learn(challenge(client))
    left = [(kind, value) for kind, value in c.attributes() if kind not in MISSING[what]]
    answer = client.exchange(message.build(n.ALLOCATE, n.REQUEST, [UDP_TRANSPORT, *left], None,
                                           c.key, c.kind))
    assert answer.code == 400 and told(answer) == [n.ERROR_CODE]
    assert not {n.MESSAGE_INTEGRITY, n.MESSAGE_INTEGRITY_SHA256} & set(answer.types())


ALGORITHMS = {"unknown": struct.pack("!HH", 3, 0), "none": b"", "half": b"\0\2",
              "with parameters": struct.pack("!HHI", n.SHA256, 4, 7),
              "with a length too long": struct.pack("!HH", n.SHA256, 4),
              "0": struct.pack("!HH", 0, 0)}


@pytest.mark.parametrize("what", ALGORITHMS)
def test_an_algorithm_that_was_not_offered_gets_a_bare_400(strict, make_rfc, what):
    client = make_rfc(strict)
    c = client.credentials
    c.learn(challenge(client))
    parts = [(kind, ALGORITHMS[what] if kind == n.PASSWORD_ALGORITHM else value)
             for kind, value in c.attributes()]
    answer = client.exchange(message.build(n.ALLOCATE, n.REQUEST, [UDP_TRANSPORT, *parts], None,
                                           c.key, c.kind))
    assert answer.code == 400 and not AUTHENTICATION & set(answer.types())


@pytest.mark.parametrize("spoil", ["integrity", "name", "hash", "realm"])
def test_wrong_credentials_get_a_401_that_does_not_tell_what_is_wrong(strict, make_rfc, spoil):
    client, honest = make_rfc(strict, anonymous=spoil == "hash"), make_rfc(strict)
    c = client.credentials
    c.learn(challenge(client))
    parts = dict(c.attributes())
    key = c.key
    if spoil == "integrity":
        key = bytes(32)
    elif spoil == "name":
        parts[n.USERNAME] = b"nobody"
    elif spoil == "hash":
        parts[n.USERHASH] = bytes(32)
    else:
        parts[n.REALM] = b"elsewhere.example"
    answer = client.exchange(message.build(n.ALLOCATE, n.REQUEST, [
        UDP_TRANSPORT, *parts.items()], None, key, c.kind))
    first = challenge(honest)
    client.check_challenge(answer)
    assert answer.code == 401 and answer.types() == first.types()
    for kind in (n.ERROR_CODE, n.REALM, n.PASSWORD_ALGORITHMS):
        assert answer.get(kind) == first.get(kind)


def test_nonces_differ_between_ports_and_stay_within_their_form(strict, make_rfc):
    nonces = {}
    for _ in range(20):
        client = make_rfc(strict)
        nonces[internet.name(client.sock)] = {challenge(client).get(n.NONCE) for _ in range(3)}
    everything = [nonce for of_one in nonces.values() for nonce in of_one]
    assert len(set(everything)) == len(everything)
    assert all(len(nonce) < 128 and nonce.isascii() for nonce in everything)
