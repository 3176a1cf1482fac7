# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Binding, and what is no request at all (RFC 8489 sections 6 and 7)."""

import os
import struct

import pytest

import lab as internet
import stun
from server import FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_binding_tells_the_clients_own_address(make_client, family):
    client = make_client(FAMILIES[family])
    answer = client.binding()
    assert (answer.method, answer.cls) == (stun.BINDING, stun.SUCCESS)
    assert answer.address(stun.XOR_MAPPED_ADDRESS) == internet.name(client.sock)


def test_a_right_fingerprint_is_accepted(client):
    answer = client.transact(stun.encode(stun.BINDING, stun.REQUEST, fingerprint=True))
    assert answer.cls == stun.SUCCESS


def test_an_unknown_required_attribute_gets_420_and_its_name(client):
    answer = client.transact(stun.encode(stun.BINDING, stun.REQUEST, [(0x7ABC, b"what")]))
    assert answer.code == 420
    assert answer[stun.UNKNOWN_ATTRIBUTES] == b"\x7a\xbc"


def test_an_unknown_optional_attribute_is_ignored(client):
    answer = client.transact(stun.encode(stun.BINDING, stun.REQUEST, [(0xFABC, b"what")]))
    assert answer.cls == stun.SUCCESS


TID = b"turnpike-tid"
GOOD = stun.encode(stun.BINDING, stun.REQUEST, tid=TID)
FINGERPRINTED = stun.encode(stun.BINDING, stun.REQUEST, tid=TID, fingerprint=True)
GARBAGE = {
    "empty": b"",
    "one byte": b"\x00",
    "half a header": GOOD[:10],
    "header short of a byte": GOOD[:19],
    "length beyond the end": GOOD[:2] + struct.pack("!H", 8) + GOOD[4:],
    "length short of the end": GOOD + bytes(4),
    "length not a multiple of 4": GOOD[:2] + struct.pack("!H", 3) + GOOD[4:] + bytes(3),
    "another cookie": stun.header(stun.BINDING, stun.REQUEST, 0, TID, 0x12345678),
    "attribute beyond the end": stun.header(stun.BINDING, stun.REQUEST, 4, TID)
    + struct.pack("!HH", stun.SOFTWARE, 100),
    "wrong fingerprint": FINGERPRINTED[:-1] + bytes([FINGERPRINTED[-1] ^ 1]),
    "success response": stun.encode(stun.BINDING, stun.SUCCESS, tid=TID),
    "error response": stun.encode(stun.BINDING, stun.ERROR, tid=TID),
    "Binding indication": stun.encode(stun.BINDING, stun.INDICATION, tid=TID),
    "Allocate indication": stun.encode(stun.ALLOCATE, stun.INDICATION, tid=TID),
    "Data indication": stun.encode(stun.DATA, stun.INDICATION, tid=TID),
    "DTLS": b"\x16\xfe\xfd" + bytes(40),
    "reserved channel": b"\x50\x00\x00\x04abcd",
    "reserved byte": b"\xff" * 40,
    "channel without allocation": b"\x40\x00\x00\x04abcd",
    "Send without allocation": stun.encode(stun.SEND, stun.INDICATION, [
        (stun.XOR_PEER_ADDRESS, ("203.0.113.10", 9)), (stun.DATA_ATTRIBUTE, b"x")], TID),
    "maximal datagram": b"\x00\x01" + os.urandom(65000),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_gets_silence(client, what):
    client.send_raw(GARBAGE[what])
    # Whatever the garbage would get arrives before the answer to what follows it.
    assert client.binding().cls == stun.SUCCESS
    assert client.pending() == []
