# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""STUN messages (RFC 8489 sections 5 and 14): written as told to, read strictly."""

import binascii
import dataclasses
import hmac
import ipaddress
import os
import struct

from . import numbers as n

HEADER = struct.Struct("!HHI12s")
HASH = {n.MESSAGE_INTEGRITY: ("sha1", 20), n.MESSAGE_INTEGRITY_SHA256: ("sha256", 32)}
# What a message may have more than one of.
REPEATED = {n.ALTERNATE_SERVER, n.XOR_RELAYED_ADDRESS, n.XOR_PEER_ADDRESS}
XORED = {n.XOR_PEER_ADDRESS, n.XOR_RELAYED_ADDRESS, n.XOR_MAPPED_ADDRESS}
PLAIN = {n.MAPPED_ADDRESS, n.ALTERNATE_SERVER}
SIZES = {n.LIFETIME: 4, n.RESERVATION_TOKEN: 8, n.FINGERPRINT: 4, n.ICMP: 8, n.USERHASH: 32,
         n.MESSAGE_INTEGRITY: 20, n.MESSAGE_INTEGRITY_SHA256: 32}
TEXTS = {n.REALM, n.NONCE, n.SOFTWARE}


class Violation(Exception):
    """An answer that the RFCs do not allow."""


def demand(true, *what):
    if not true:
        raise Violation(*what)


# Writing.

def type_of(method, cls):
    """Figure 3: the bits of the method around the two of the class."""
    return (method & 0xF80) << 2 | (method & 0x070) << 1 | method & 0x00F | (cls & 2) << 7 \
        | (cls & 1) << 4


def padded(value, fill=b"\0"):
    return value + fill * (-len(value) % 4)


def attribute(kind, value, fill=b"\0"):
    return struct.pack("!HH", kind, len(value)) + padded(value, fill)


def address(endpoint):
    """MAPPED-ADDRESS and those like it."""
    ip = ipaddress.ip_address(endpoint[0])
    return struct.pack("!BBH", 0, n.IPV4 if ip.version == 4 else n.IPV6, endpoint[1]) + ip.packed


def xored(value, tid):
    """Between an address and its XOR form: each is the other's."""
    mask = struct.pack("!I", n.COOKIE) + tid
    return value[:2] + bytes(a ^ b for a, b in zip(value[2:4], mask)) + bytes(
        a ^ b for a, b in zip(value[4:], mask))


def header(method, cls, length, tid, cookie=n.COOKIE):
    return HEADER.pack(type_of(method, cls), length, cookie, tid)


def with_length(message, length):
    return message[:2] + struct.pack("!H", length) + message[4:]


def sign(message, kind, key, fill=b"\0"):
    """`message` and an integrity attribute over it (sections 14.5 and 14.6)."""
    name, size = HASH[kind]
    message = with_length(message, len(message) - 20 + 4 + size)
    return message + attribute(kind, hmac.digest(key, message, name)[:size], fill)


def fingerprint(message):
    """`message` and its FINGERPRINT (section 14.7)."""
    message = with_length(message, len(message) - 20 + 8)
    return message + attribute(n.FINGERPRINT, struct.pack(
        "!I", binascii.crc32(message) ^ 0x5354554E))


def build(method, cls, attributes=(), tid=None, key=None, kind=None, last=False, fill=b"\0"):
    """Attributes (type, value), then an integrity if there is a key and a FINGERPRINT if `last`."""
    tid = tid or os.urandom(12)
    body = b"".join(attribute(t, v, fill) for t, v in attributes)
    message = header(method, cls, len(body), tid) + body
    if key:
        message = sign(message, kind, key)
    return fingerprint(message) if last else message


# Reading.

@dataclasses.dataclass
class Message:
    raw: bytes
    method: int
    cls: int
    tid: bytes
    attributes: list  # (type, value, offset)

    def types(self):
        return [kind for kind, _, _ in self.attributes]

    def all(self, kind):
        return [value for t, value, _ in self.attributes if t == kind]

    def get(self, kind):
        """The first of this type; None: there is none."""
        return next(iter(self.all(kind)), None)

    def endpoints(self, kind):
        """The addresses of this type."""
        found = []
        for value in self.all(kind):
            plain = xored(value, self.tid) if kind in XORED else value
            found.append((str(ipaddress.ip_address(plain[4:])),
                          int.from_bytes(plain[2:4], "big")))
        return found

    @property
    def code(self):
        """The error's, None of other messages."""
        value = self.get(n.ERROR_CODE)
        return value and value[2] * 100 + value[3]

    def number(self, kind):
        value = self.get(kind)
        return None if value is None else int.from_bytes(value, "big")

    def verifies(self, key, kind):
        """Whether the integrity of this kind is right."""
        found = [(value, offset) for t, value, offset in self.attributes if t == kind]
        demand(len(found) == 1, "integrities", len(found))
        value, offset = found[0]
        name, _ = HASH[kind]
        text = with_length(self.raw[:offset], offset - 20 + 4 + len(value))
        return hmac.compare_digest(hmac.digest(key, text, name)[:len(value)], value)


def read(raw):
    """A message as sections 5 and 14 want it, to the last bit. Raises Violation."""
    demand(len(raw) >= 20, "shorter than a header", raw)
    first, length, cookie, tid = HEADER.unpack_from(raw)
    demand(first >> 14 == 0, "the first two bits are not 0", raw)
    demand(cookie == n.COOKIE, "no magic cookie", raw)
    demand(length % 4 == 0, "length is no multiple of 4", length)
    demand(20 + length == len(raw), "length", length, "datagram", len(raw))
    method = first & 0xF | (first & 0xE0) >> 1 | (first & 0x3E00) >> 2
    message = Message(raw, method, (first >> 4 & 1) | (first >> 7 & 2), tid, [])
    at = 20
    while at < len(raw):
        kind, size = struct.unpack_from("!HH", raw, at)
        end = at + 4 + size
        demand(end + -size % 4 <= len(raw), "an attribute crosses the end", hex(kind))
        demand(not any(raw[end:end + -size % 4]), "padding is not 0", hex(kind))
        message.attributes.append((kind, raw[at + 4:end], at))
        at = end + -size % 4
    check(message)
    return message


def check(message):
    """What is wrong with the attributes of a message, whatever its method."""
    types = message.types()
    for kind in set(types) - REPEATED:
        demand(types.count(kind) == 1, "twice", hex(kind))
    tail = [n.MESSAGE_INTEGRITY, n.MESSAGE_INTEGRITY_SHA256, n.FINGERPRINT]
    last = [tail.index(kind) if kind in tail else -1 for kind in types]
    demand(last == sorted(last), "order of the last attributes", list(map(hex, types)))
    for kind, value, offset in message.attributes:
        if kind in SIZES:
            demand(len(value) == SIZES[kind], "size", hex(kind), len(value))
        if kind in XORED | PLAIN:
            demand(value[0] == 0, "first byte of an address", value)
            demand((value[1], len(value)) in ((n.IPV4, 8), (n.IPV6, 20)), "address", value)
        if kind in TEXTS:
            demand(0 < len(value.decode()) < 128, "text", value)
            demand(not set(value) & {0, 34}, "quotes or zeros", value)
        if kind == n.FINGERPRINT:
            text = message.raw[:offset]
            demand(value == struct.pack("!I", binascii.crc32(text) ^ 0x5354554E), "FINGERPRINT")
    check_error(message)


def check_error(message):
    demand((message.cls == n.ERROR) == (n.ERROR_CODE in message.types()), "ERROR-CODE and class",
           message.cls)
    if message.cls != n.ERROR:
        return
    value = message.get(n.ERROR_CODE)
    demand(value[:2] == b"\0\0" and 3 <= value[2] <= 6 and value[3] <= 99, "ERROR-CODE", value)
    demand(0 < len(value[4:].decode()) < 128, "reason", value)
    unknown = message.get(n.UNKNOWN_ATTRIBUTES)
    demand((message.code == 420) == (unknown is not None), "UNKNOWN-ATTRIBUTES and code", value)
    if unknown is not None:
        listed = struct.unpack(f"!{len(unknown) // 2}H", unknown)
        demand(len(unknown) % 2 == 0 and listed, "UNKNOWN-ATTRIBUTES", unknown)
        demand(all(kind < 0x8000 for kind in listed), "an optional attribute listed", listed)
        demand(len(set(listed)) == len(listed), "listed twice", listed)
