# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""STUN messages, byte for byte (RFC 8489 sections 5 and 14, RFC 8656 section 18).

Written from the RFCs and independent of the server, so that both can't share a mistake.
"""

import hashlib
import hmac
import ipaddress
import os
import struct
import zlib
from dataclasses import dataclass, field

COOKIE = 0x2112A442

BINDING, ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 1, 3, 4, 6, 7, 8, 9
REQUEST, INDICATION, SUCCESS, ERROR = 0, 1, 2, 3

MAPPED_ADDRESS = 0x0001
CHANGE_REQUEST = 0x0003
USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
UNKNOWN_ATTRIBUTES = 0x000A
CHANNEL_NUMBER = 0x000C
LIFETIME = 0x000D
XOR_PEER_ADDRESS = 0x0012
DATA_ATTRIBUTE = 0x0013
REALM = 0x0014
NONCE = 0x0015
XOR_RELAYED_ADDRESS = 0x0016
REQUESTED_ADDRESS_FAMILY = 0x0017
EVEN_PORT = 0x0018
REQUESTED_TRANSPORT = 0x0019
DONT_FRAGMENT = 0x001A
XOR_MAPPED_ADDRESS = 0x0020
RESERVATION_TOKEN = 0x0022
PADDING = 0x0026
RESPONSE_PORT = 0x0027
ADDITIONAL_ADDRESS_FAMILY = 0x8000
ADDRESS_ERROR_CODE = 0x8001
ICMP = 0x8004
SOFTWARE = 0x8022
FINGERPRINT = 0x8028
RESPONSE_ORIGIN = 0x802B
OTHER_ADDRESS = 0x802C
MOBILITY_TICKET = 0x8030

IPV4, IPV6 = 1, 2
UDP = 17


def message_type(method, cls):
    """The method's 12 bits around the two of the class (RFC 8489 figure 3)."""
    return (method & 0xF) | (method & 0x70) << 1 | (method & 0xF80) << 2 \
        | (cls & 1) << 4 | (cls & 2) << 7


def pad4(data):
    return data + bytes(-len(data) % 4)


def attribute(kind, value=b""):
    return struct.pack("!HH", kind, len(value)) + pad4(value)


def header(method, cls, length, tid, cookie=COOKIE):
    return struct.pack("!HHI", message_type(method, cls), length, cookie) + tid


def _mask(tid, length):
    return (struct.pack("!I", COOKIE) + tid)[:length]


def xor_address(endpoint, tid):
    """The value of an XOR-*-ADDRESS (RFC 8489 section 14.2). IPv6 stays IPv6, mapped or not."""
    ip = ipaddress.ip_address(endpoint[0])
    masked = bytes(a ^ b for a, b in zip(ip.packed, _mask(tid, 16)))
    return struct.pack("!BBH", 0, IPV4 if ip.version == 4 else IPV6,
                       endpoint[1] ^ COOKIE >> 16) + masked


def parse_xor_address(value, tid):
    zero, family, port = struct.unpack("!BBH", value[:4])
    assert zero == 0 and (family, len(value)) in ((IPV4, 8), (IPV6, 20)), value.hex()
    packed = bytes(a ^ b for a, b in zip(value[4:], _mask(tid, 16)))
    return str(ipaddress.ip_address(packed)), port ^ COOKIE >> 16


def long_term_key(user, realm, password):
    """RFC 8489 section 9.2.2 with MD5."""
    return hashlib.md5(f"{user}:{realm}:{password}".encode()).digest()


def with_integrity(message, key):
    """Appends MESSAGE-INTEGRITY: the HMAC covers a header whose length counts it (section 14.5)."""
    covered = message[:2] + struct.pack("!H", len(message) - 20 + 24) + message[4:]
    return covered + attribute(MESSAGE_INTEGRITY, hmac.digest(key, covered, "sha1"))


def with_fingerprint(message):
    covered = message[:2] + struct.pack("!H", len(message) - 20 + 8) + message[4:]
    return covered + attribute(FINGERPRINT, struct.pack("!I", zlib.crc32(covered) ^ 0x5354554E))


def encode(method, cls, attributes=(), tid=None, key=None, fingerprint=False):
    """`attributes`: (type, value) pairs, where an (ip, port) value becomes XORed."""
    tid = tid or os.urandom(12)
    body = b"".join(attribute(t, xor_address(v, tid) if isinstance(v, tuple) else v)
                    for t, v in attributes)
    message = header(method, cls, len(body), tid) + body
    if key is not None:
        message = with_integrity(message, key)
    return with_fingerprint(message) if fingerprint else message


@dataclass
class Message:
    method: int
    cls: int
    tid: bytes
    attributes: list = field(default_factory=list)  # (type, value), in order
    raw: bytes = b""

    def __contains__(self, kind):
        return any(t == kind for t, _ in self.attributes)

    def __getitem__(self, kind):
        for t, value in self.attributes:
            if t == kind:
                return value
        raise KeyError(f"no attribute {kind:#06x} in {self}")

    def types(self):
        return [t for t, _ in self.attributes]

    def address(self, kind):
        return parse_xor_address(self[kind], self.tid)

    def addresses(self, kind):
        """{family: (ip, port)} of all attributes of this kind."""
        found = [(v[1], parse_xor_address(v, self.tid)) for t, v in self.attributes if t == kind]
        assert len(dict(found)) == len(found), self
        return dict(found)

    @property
    def address_error(self):
        """(family, code) of ADDRESS-ERROR-CODE (RFC 8656 section 18.12)."""
        family, zero, hundreds, units = self[ADDRESS_ERROR_CODE][:4]
        assert zero == 0 and hundreds < 8 and units < 100, self.raw.hex()
        return family, hundreds * 100 + units

    @property
    def code(self):
        """Of an error response; None otherwise."""
        if self.cls != ERROR:
            return None
        zero, hundreds, units = struct.unpack("!HBB", self[ERROR_CODE][:4])
        assert zero == 0 and 3 <= hundreds <= 6 and units < 100, self.raw.hex()
        return hundreds * 100 + units

    @property
    def lifetime(self):
        return struct.unpack("!I", self[LIFETIME])[0]

    def signed_by(self, key):
        offset = 20
        for t, value in self.attributes:
            if t == MESSAGE_INTEGRITY:
                covered = self.raw[:2] + struct.pack("!H", offset - 20 + 24) + self.raw[4:offset]
                return hmac.compare_digest(value, hmac.digest(key, covered, "sha1"))
            offset += 4 + len(pad4(value))
        return False

    def __str__(self):
        return f"method {self.method} class {self.cls} code {self.code} " \
            f"attributes {[hex(t) for t in self.types()]} raw {self.raw.hex()}"


def parse(data):
    """Parses strictly: whatever a server sends has to be well-formed to the last byte."""
    assert len(data) >= 20 and len(data) % 4 == 0, data.hex()
    kind, length, cookie = struct.unpack("!HHI", data[:8])
    assert kind < 0x4000 and cookie == COOKIE and length == len(data) - 20, data.hex()
    method = (kind & 0xF) | (kind >> 1 & 0x70) | (kind >> 2 & 0xF80)
    message = Message(method, (kind >> 4 & 1) | (kind >> 7 & 2), data[8:20], raw=data)
    offset = 20
    while offset < len(data):
        t, size = struct.unpack("!HH", data[offset:offset + 4])
        value = data[offset + 4:offset + 4 + size]
        assert len(value) == size and FINGERPRINT not in message, data.hex()
        if t == FINGERPRINT:
            assert struct.unpack("!I", value)[0] == zlib.crc32(data[:offset]) ^ 0x5354554E
        message.attributes.append((t, value))
        offset += 4 + size + -size % 4
    assert offset == len(data), data.hex()
    return message
