# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The long-term credential mechanism as a client has it (RFC 8489 section 9.2)."""

import base64
import hashlib
import struct
import unicodedata

from . import numbers as n
from .message import Violation, demand

COOKIE = b"obMatJos2"
# Erratum 6290: bit 0 is the rightmost.
PASSWORD_ALGORITHMS_BIT, USERNAME_ANONYMITY_BIT = 1, 2


def opaque(text):
    """OpaqueString (RFC 8265 section 4.2): other spaces become spaces, then NFC."""
    text = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)
    return unicodedata.normalize("NFC", text).encode()


def long_term_key(algorithm, user, realm, password):
    """Sections 9.2.2 and 18.5.1; the realm is as it came."""
    text = opaque(user) + b":" + realm + b":" + opaque(password)
    return (hashlib.md5 if algorithm == n.MD5 else hashlib.sha256)(text).digest()


def userhash(user, realm):
    """Section 14.4."""
    return hashlib.sha256(opaque(user) + b":" + realm).digest()


def features(nonce):
    """The security features of a nonce, None of one without the cookie."""
    if not nonce.startswith(COOKIE):
        return None
    return int.from_bytes(base64.b64decode(nonce[9:13], validate=True), "big")


def algorithms(value):
    """The numbers of a PASSWORD-ALGORITHMS, in order."""
    found, at = [], 0
    while at < len(value):
        number, size = struct.unpack_from("!HH", value, at)
        found.append(number)
        at += 4 + size + -size % 4
    demand(at == len(value) and found, "PASSWORD-ALGORITHMS", value)
    return found


class Credentials:
    """What a client knows of a user, and what the server offered to it.

    supported: the password algorithms it has; empty: a client of RFC 5389."""

    def __init__(self, user, password, supported=(n.SHA256, n.MD5), anonymous=True):
        self.user, self.password = user, password
        self.supported, self.anonymous = supported, anonymous
        self.realm = self.nonce = self.offer = self.algorithm = None
        self.hidden = False  # USERHASH instead of USERNAME

    def learn(self, answer):
        """Takes realm, nonce and algorithms of a 401 or 438 (section 9.2.5). Raises Violation where
        the client must not go on."""
        self.realm, self.nonce = answer.get(n.REALM), answer.get(n.NONCE)
        demand(self.realm and self.nonce, "no REALM or NONCE", answer.types())
        if not self.supported:
            return
        bits = features(self.nonce)
        self.offer = answer.get(n.PASSWORD_ALGORITHMS)
        if bits is not None and bits & PASSWORD_ALGORITHMS_BIT and self.offer is None:
            raise Violation("bid down: the nonce says that PASSWORD-ALGORITHMS was there")
        self.hidden = bool(self.anonymous and bits and bits & USERNAME_ANONYMITY_BIT)
        if self.offer is not None:
            offered = algorithms(self.offer)
            self.algorithm = next((a for a in offered if a in self.supported), None)
            demand(self.algorithm, "no algorithm that this client has", offered)

    @property
    def key(self):
        return long_term_key(self.algorithm or n.MD5, self.user, self.realm, self.password)

    @property
    def kind(self):
        """The integrity that requests and answers carry."""
        return n.MESSAGE_INTEGRITY_SHA256 if self.algorithm else n.MESSAGE_INTEGRITY

    def attributes(self):
        """What goes into a request; empty before the server has said anything."""
        if self.nonce is None:
            return []
        who = (n.USERHASH, userhash(self.user, self.realm)) if self.hidden else (
            n.USERNAME, opaque(self.user))
        told = [who, (n.REALM, self.realm), (n.NONCE, self.nonce)]
        if self.algorithm:
            told += [(n.PASSWORD_ALGORITHMS, self.offer),
                     (n.PASSWORD_ALGORITHM, struct.pack("!HH", self.algorithm, 0))]
        return told
