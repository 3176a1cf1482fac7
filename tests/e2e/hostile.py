# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Datagrams that no honest client sends, of every kind that came to mind.

A kind is a generator over a Sender, which knows whose messages are to be spoilt. None is longer
than LARGEST, so that each is one packet."""

import os
import random
import struct
import zlib

from rfc import message
from rfc import numbers as n
from rfc.client import UDP_TRANSPORT

LARGEST = 1400
METHODS = (n.BINDING, n.ALLOCATE, n.REFRESH, n.CREATE_PERMISSION, n.CHANNEL_BIND)
# More, and others, by the environment.
FLIPS, SEED = int(os.environ.get("TURNPIKE_FLIPS", "400")), os.environ.get("TURNPIKE_SEED", "8656")
U16 = struct.Struct("!H")


class Sender:
    """Whose messages these are: credentials (None: a stranger's), a peer, a channel."""

    def __init__(self, credentials, peer, channel=0x4000):
        self.credentials, self.peer, self.channel = credentials, peer, channel

    def parts(self, method, tid):
        """The attributes of an honest message, without credentials."""
        whom = (n.XOR_PEER_ADDRESS, message.xored(message.address(self.peer), tid))
        return {n.BINDING: [], n.ALLOCATE: [UDP_TRANSPORT, (n.LIFETIME, struct.pack("!I", 600))],
                n.REFRESH: [(n.LIFETIME, struct.pack("!I", 600))], n.CREATE_PERMISSION: [whom],
                n.CHANNEL_BIND: [(n.CHANNEL_NUMBER, struct.pack("!HH", self.channel, 0)), whom],
                n.SEND: [whom, (n.DATA_VALUE, b"payload")]}[method]

    def credits(self, method):
        return self.credentials.attributes() if self.credentials and method != n.BINDING else []

    def signed(self, raw):
        """Its integrity over a message that has none yet, with a length that is right."""
        raw = message.with_length(raw, len(raw) - 20)
        c = self.credentials
        return message.sign(raw, c.kind, c.key) if c else raw

    def message(self, method, cls=n.REQUEST, change=lambda parts: parts):
        """An honest message but for what `change` makes of its attributes; signed after that."""
        tid = os.urandom(12)
        parts = change(self.parts(method, tid) + self.credits(method))
        raw = message.build(method, cls, parts, tid)
        return self.signed(raw) if method not in (n.BINDING, n.SEND) else raw

    def honest(self):
        """One of each message."""
        yield from (self.message(method) for method in METHODS)
        yield self.message(n.SEND, n.INDICATION)
        yield struct.pack("!HH", self.channel, 7) + b"payload"


def offsets(raw):
    """Where the attributes of a message begin."""
    at = 20
    while at < len(raw):
        yield at
        size, = U16.unpack_from(raw, at + 2)
        at += 4 + size + -size % 4


def at(raw, offset, value):
    """The message with 16 bits replaced."""
    return raw[:offset] + U16.pack(value & 0xFFFF) + raw[offset + 2:]


def is_stun(raw):
    return raw[0] < 4


def truncated(who):
    for raw in who.honest():
        yield from (raw[:size] for size in range(len(raw)))


def overlong(who):
    for raw in who.honest():
        yield from (raw + os.urandom(size) for size in (1, 2, 3, 4, 5, 8, 20, 1000))
        yield raw + raw
        if is_stun(raw):  # the same, announced
            yield from (message.with_length(raw + bytes(size), len(raw) - 20 + size)
                        for size in (1, 2, 3, 4, 8, 1000))


def header_lengths(who):
    for raw in filter(is_stun, who.honest()):
        size = len(raw) - 20
        yield from (at(raw, 2, value) for value in (
            0, 1, 2, 3, 4, size - 4, size - 1, size + 1, size + 4, 0x7FFF, 0xFFFC, 0xFFFF))


def attribute_lengths(who):
    """The length field of each attribute, before and after the message is signed."""
    for raw in filter(is_stun, who.honest()):
        for offset in offsets(raw):
            size, = U16.unpack_from(raw, offset + 2)
            rest = len(raw) - offset - 4
            for value in {0, 1, 2, 3, size - 1, size + 1, size + 4, rest - 1, rest, rest + 1,
                          rest + 4, 0x7FFF, 0xFFFC, 0xFFFD, 0xFFFF}:
                yield at(raw, offset + 2, value)
                yield who.signed(at(raw, offset + 2, value))


def attribute_sizes(who):
    """Each attribute in other sizes than its own, in messages otherwise whole and signed."""
    for method in METHODS:
        tid = bytes(12)
        for index in range(len(who.parts(method, tid) + who.credits(method))):
            for size in (0, 1, 2, 3, 4, 5, 7, 8, 9, 19, 20, 21, 31, 33, 255, 763, 764, 1000):
                def change(parts, index=index, size=size):
                    kind, value = parts[index]
                    return parts[:index] + [(kind, (value * size)[:size].ljust(size, b"x"))] \
                        + parts[index + 1:]
                yield who.message(method, change=change)


def crossing_the_end(who):
    """A last attribute that is cut by the end of the message."""
    for raw in filter(is_stun, who.honest()):
        for kind in (n.USERNAME, n.XOR_PEER_ADDRESS, n.MESSAGE_INTEGRITY,
                     n.MESSAGE_INTEGRITY_SHA256, n.FINGERPRINT, 0x7ABC, 0xFABC):
            for claimed, given in ((4, 0), (20, 16), (32, 28), (0xFFFF, 4), (1, 0)):
                tail = struct.pack("!HH", kind, claimed) + bytes(given)
                yield message.with_length(raw + tail, len(raw) - 20 + len(tail))


def duplicates(who):
    for method in METHODS:
        for times in (2, 3, 8):
            yield who.message(method, change=lambda parts: parts * times)
            yield who.message(method, change=lambda parts: [p for p in parts for _ in range(times)])
    for twice in (lambda parts: parts * 2, lambda parts: parts[::-1] * 2):
        yield who.message(n.SEND, n.INDICATION, twice)


def crowds(who):
    """As many attributes as there is room for."""
    for method in (*METHODS, n.SEND):
        cls = n.INDICATION if method == n.SEND else n.REQUEST
        for kinds in (range(0xC000, 0x10000), range(0x4000, 0x8000), (n.SOFTWARE,),
                      (n.XOR_PEER_ADDRESS,), (n.CHANNEL_NUMBER,), (0x0000,), (0xFFFF,)):
            def change(parts, kinds=kinds):
                room = (LARGEST - 400) // 4
                return parts + [(kinds[i % len(kinds)], b"") for i in range(room)]
            yield who.message(method, cls, change)
            yield who.message(method, cls, lambda parts: change(parts)[::-1])


def integrities(who):
    """Integrity attributes in wrong places, sizes and numbers."""
    key = who.credentials.key if who.credentials else b"nobody's"
    both = (n.MESSAGE_INTEGRITY, n.MESSAGE_INTEGRITY_SHA256)
    for method in METHODS:
        tid = os.urandom(12)
        parts = who.parts(method, tid) + who.credits(method)
        for index in range(len(parts) + 1):  # between any two attributes
            for kind in both:
                before = message.build(method, n.REQUEST, parts[:index], tid, key, kind)
                after = b"".join(message.attribute(*part) for part in parts[index:])
                raw = message.with_length(before + after, len(before + after) - 20)
                yield raw
                yield message.sign(raw, kind, key)
        bare = message.build(method, n.REQUEST, parts, tid)
        for first in both:
            for second in both:
                yield message.sign(message.sign(bare, first, key), second, key)
        for kind in both:
            for size in range(0, 40):
                yield message.build(method, n.REQUEST, [*parts, (kind, os.urandom(size))], tid)


def fingerprints(who):
    for raw in filter(is_stun, who.honest()):
        whole = message.fingerprint(raw)
        yield whole
        yield message.fingerprint(whole)
        yield whole[:-1] + bytes((whole[-1] ^ 1,))
        for size in (0, 1, 3, 5, 8, 20):
            tail = message.attribute(n.FINGERPRINT, bytes(size))
            yield message.with_length(raw + tail, len(raw) - 20 + len(tail))
        # First, right for itself and for the message that follows.
        for value in (bytes(4), struct.pack("!I", zlib.crc32(raw[:20]) ^ 0x5354554E)):
            first = raw[:20] + message.attribute(n.FINGERPRINT, value) + raw[20:]
            yield message.with_length(first, len(first) - 20)


def types(who):
    """Every method of every class, without attributes."""
    for method in range(0x1000):
        for cls in range(4):
            yield message.header(method, cls, 0, os.urandom(12))


def classes(who):
    """Whole messages under another class and another method."""
    for raw in filter(is_stun, who.honest()):
        for method in range(16):
            for cls in range(4):
                other = at(raw, 0, message.type_of(method, cls))
                yield other
                yield message.fingerprint(other)
    for method in (*METHODS, n.SEND, n.DATA):
        for cls in range(4):
            parts = who.parts(method if method != n.DATA else n.SEND, bytes(12))
            raw = message.build(method, cls, parts + who.credits(method), bytes(12))
            yield who.signed(raw)


def responses(who):
    """What a server answers, sent to a server."""
    for method in (*METHODS, n.SEND, n.DATA):
        for cls in (n.SUCCESS, n.ERROR):
            for code in (300, 400, 401, 420, 438, 500):
                parts = [(n.ERROR_CODE, bytes((0, 0, code // 100, code % 100)) + b"no")] \
                    if cls == n.ERROR else [(n.XOR_MAPPED_ADDRESS, bytes((0, 1)) + bytes(6))]
                yield who.signed(message.build(method, cls, parts + who.credits(method)))


def first_bytes(who):
    for first in range(256):
        yield bytes((first,))
        yield bytes((first,)) + os.urandom(40)
    yield b""


def channels(who):
    payload = b"0123456789"
    for number in (who.channel, who.channel + 1, 0x3FFF, 0x4FFF, 0x5000, 0x7FFF, 0x8000, 0xFFFF):
        for length in (0, 1, 9, 10, 11, 12, 13, 14, 0x7FFF, 0xFFFB, 0xFFFC, 0xFFFF):
            for fill in (b"", b"\0", b"\0\0\0", bytes(100)):
                yield struct.pack("!HH", number, length) + payload + fill
        yield from (struct.pack("!HH", number, 0)[:size] for size in range(1, 5))


def cookies(who):
    for raw in filter(is_stun, who.honest()):
        for bit in range(32):
            spoilt = bytearray(raw)
            spoilt[4 + bit // 8] ^= 1 << bit % 8
            yield bytes(spoilt)


def tickets(who):
    """Tickets that nobody was given (RFC 8016), in every request, of every size."""
    for method in METHODS:
        for size in (0, 1, 4, 15, 16, 17, 28, 32, 40, 64, 100, 763, 1000):
            for lifetime in ((), ((n.LIFETIME, bytes(4)),)):
                ticket = (n.MOBILITY_TICKET, os.urandom(size))
                yield who.message(method, change=lambda parts: [ticket, *lifetime, *parts])
                yield who.message(method, change=lambda parts: [*parts, ticket, ticket])


def flips(who):
    """Bits here and there, before and after signing."""
    dice = random.Random(SEED)
    messages = list(who.honest())
    for _ in range(FLIPS):
        raw = bytearray(dice.choice(messages))
        for _ in range(dice.choice((1, 1, 2, 5, 20))):
            raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
        yield bytes(raw)
        if len(raw) >= 20 and is_stun(raw) and dice.random() < 0.3:
            yield who.signed(bytes(raw))


KINDS = {kind.__name__: kind for kind in (
    truncated, overlong, header_lengths, attribute_lengths, attribute_sizes, crossing_the_end,
    duplicates, crowds, integrities, fingerprints, types, classes, responses, first_bytes, channels,
    cookies, tickets, flips)}
