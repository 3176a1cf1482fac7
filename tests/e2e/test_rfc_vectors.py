# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The tests' own client (rfc/) against the vectors of RFC 5769 and of RFC 8489, appendix B.1 (as
erratum 6268 has it)."""

import os

import pytest

from rfc import credentials, message
from rfc import numbers as n

REQUEST = bytes.fromhex("""
000100582112a442b7e7a701bc34d686fa87dfae
802200105354554e207465737420636c69656e74
002400046e0001ff 80290008932ff9b151263b36
000600096576746a3a68367659202020
000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
80280004e57a3bcf""")
RESPONSE4 = bytes.fromhex("""
0101003c2112a442b7e7a701bc34d686fa87dfae
8022000b7465737420766563746f7220
002000080001a147e112a643
000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7
80280004c07d4c96""")
RESPONSE6 = bytes.fromhex("""
010100482112a442b7e7a701bc34d686fa87dfae
8022000b7465737420766563746f7220
002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9
00080014a382954e4be67bf11784c97c8292c275bfe3ed41
80280004c8fb0b4c""")
LONG_TERM = bytes.fromhex("""
000100602112a44278ad3433c6ad72c029da412e
00060012e3839ee38388e383aae38383e382afe382b90000
0015001c662f2f3439396b39353464364f4c33346f4c39465354767936347341
0014000b6578616d706c652e6f726700
00080014f67024656dd64a3e02b8e0712e85c9a28ca89666""")
SHA256 = bytes.fromhex("""
000100902112a44278ad3433c6ad72c029da412e
001e00204a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704
001500296f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c39465354767936347341000000
0014000b6578616d706c652e6f726700
001d000400020000
001c0020b5c7bf005b6c52a21c51c5e892f81924136296cb927c43149309278cc6518e65""")
USER, REALM, PASSWORD = "マトリックス", b"example.org", "TheMatrIX"
SHORT_TERM = b"VOkJxbRl1RmTxUk/WvJxBt"
NONCE = b"f//499k954d6OL34oL9FSTvy64sA"


def parts(it):
    """What a message says, without integrity and fingerprint."""
    tail = (n.MESSAGE_INTEGRITY, n.MESSAGE_INTEGRITY_SHA256, n.FINGERPRINT)
    return [(kind, value) for kind, value, _ in it.attributes if kind not in tail]


@pytest.mark.parametrize("raw, endpoint", [
    (RESPONSE4, ("192.0.2.1", 32853)),
    (RESPONSE6, ("2001:db8:1234:5678:11:2233:4455:6677", 32853))])
def test_the_sample_responses_are_written_and_read(raw, endpoint):
    mapped = message.xored(message.address(endpoint), raw[8:20])
    told = [(n.SOFTWARE, b"test vector"), (n.XOR_MAPPED_ADDRESS, mapped)]
    # Their padding is a space, as only RFC 5769 still has it.
    assert message.build(n.BINDING, n.SUCCESS, told, raw[8:20], SHORT_TERM,
                         n.MESSAGE_INTEGRITY, last=True, fill=b" ") == raw
    with pytest.raises(message.Violation, match="padding"):
        message.read(raw)
    it = message.read(message.build(n.BINDING, n.SUCCESS, told, raw[8:20], SHORT_TERM,
                                    n.MESSAGE_INTEGRITY, last=True))
    assert it.endpoints(n.XOR_MAPPED_ADDRESS) == [endpoint]
    assert it.verifies(SHORT_TERM, n.MESSAGE_INTEGRITY)
    assert not it.verifies(SHORT_TERM + b"x", n.MESSAGE_INTEGRITY)


def test_the_sample_request_is_written():
    told = [(n.SOFTWARE, b"STUN test client"), (0x0024, bytes.fromhex("6e0001ff")),
            (0x8029, bytes.fromhex("932ff9b151263b36")), (n.USERNAME, b"evtj:h6vY")]
    assert message.build(n.BINDING, n.REQUEST, told, REQUEST[8:20], SHORT_TERM,
                         n.MESSAGE_INTEGRITY, last=True, fill=b" ") == REQUEST


def test_the_long_term_request_is_read_and_written():
    key = credentials.long_term_key(n.MD5, USER, REALM, PASSWORD)
    it = message.read(LONG_TERM)
    assert it.verifies(key, n.MESSAGE_INTEGRITY)
    assert dict(parts(it)) == {n.USERNAME: USER.encode(), n.NONCE: NONCE, n.REALM: REALM}
    assert message.build(n.BINDING, n.REQUEST, parts(it), it.tid, key,
                         n.MESSAGE_INTEGRITY) == LONG_TERM


def test_the_request_of_appendix_b_1_is_read_and_written():
    key = credentials.long_term_key(n.SHA256, USER, REALM, PASSWORD)
    it = message.read(SHA256)
    assert it.verifies(key, n.MESSAGE_INTEGRITY_SHA256)
    assert it.get(n.USERHASH) == credentials.userhash(USER, REALM)
    assert credentials.features(it.get(n.NONCE)) == credentials.USERNAME_ANONYMITY_BIT
    assert message.build(n.BINDING, n.REQUEST, parts(it), it.tid, key,
                         n.MESSAGE_INTEGRITY_SHA256) == SHA256


def test_the_key_of_the_text_is_derived():
    assert credentials.long_term_key(n.MD5, "user", b"realm", "pass").hex() == \
        "8493fbc53ba582fb4c044c456bdc40eb"


@pytest.mark.parametrize("spoil, why", [
    (lambda m: m + b"\0\0\0\0", "datagram"),
    (lambda m: b"\x40" + m[1:], "first two bits"),
    (lambda m: m[:4] + b"\0\0\0\0" + m[8:], "cookie"),
    (lambda m: m[:-1] + b"\x01", "FINGERPRINT"),
    (lambda m: message.fingerprint(message.fingerprint(m)), "twice"),
    (lambda m: message.build(1, 2, [(n.SOFTWARE, b"x")], fill=b"!"), "padding"),
    (lambda m: message.build(1, 2, [(n.FINGERPRINT, bytes(4)), (n.SOFTWARE, b"x")]), "order"),
    (lambda m: message.build(1, 3), "ERROR-CODE"),
    (lambda m: message.build(1, 3, [(n.ERROR_CODE, b"\0\0\4\x14x")]), "UNKNOWN-ATTRIBUTES"),
])
def test_a_message_that_breaks_a_rule_is_not_read(spoil, why):
    whole = message.fingerprint(message.build(1, 2, [(n.SOFTWARE, b"four")]))
    assert message.read(whole).cls == n.SUCCESS
    with pytest.raises(message.Violation, match=why):
        message.read(spoil(whole))


def test_every_type_is_told_apart():
    for method in range(0x1000):
        for cls in (n.REQUEST, n.INDICATION, n.SUCCESS):
            it = message.read(message.header(method, cls, 0, os.urandom(12)))
            assert (it.method, it.cls) == (method, cls)
