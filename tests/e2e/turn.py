# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""A TURN client on one UDP socket that does what a test tells it and nothing by itself.

No timers, no refreshing, no retransmission: a lost answer is a failure. `transact` sends any bytes;
the named requests add long-term credentials (RFC 8489 section 9.2).
"""

import os
import socket
import struct
from collections import deque

import stun

TIMEOUT = 5.0  # seconds until a missing answer is a failure


class Turn:
    def __init__(self, sock, server, user="alice", password="wonderland"):
        self.sock = sock
        self.server = server
        self.user, self.password = user, password
        self.realm = self.nonce = None
        self.relayed = self.mapped = None
        self.relays = {}  # by stun.IPV4 and stun.IPV6
        self.inbox = deque()  # datagrams that came while waiting for an answer
        sock.settimeout(TIMEOUT)

    @property
    def address(self):
        return self.sock.getsockname()[:2]

    @property
    def key(self):
        return stun.long_term_key(self.user, self.realm, self.password)

    # Bytes.

    def send_raw(self, data):
        self.sock.sendto(data, self.server)

    def receive(self):
        """The next datagram from the server, whole."""
        if self.inbox:
            return self.inbox.popleft()
        data, source = self.sock.recvfrom(65535)
        assert source[:2] == self.server[:2], f"datagram from {source}, not from {self.server}"
        return data

    def pending(self):
        """Datagrams that are already here."""
        self.sock.setblocking(False)
        try:
            while True:
                self.inbox.append(self.sock.recvfrom(65535)[0])
        except BlockingIOError:
            pass
        finally:
            self.sock.settimeout(TIMEOUT)
        return list(self.inbox)

    def transact(self, data):
        """Sends a request once and returns its answer; keeps whatever else comes in the inbox."""
        self.send_raw(data)
        return self.answer(data[8:20])

    def answer(self, tid):
        others = deque()
        try:
            while True:
                got = self.receive()
                if got[0] < 4 and got[8:20] == tid:
                    message = stun.parse(got)
                    assert message.cls in (stun.SUCCESS, stun.ERROR), message
                    return message
                others.append(got)
        finally:
            self.inbox.extendleft(reversed(others))

    # Requests.

    def credentials(self, omit=()):
        pairs = [(stun.USERNAME, self.user.encode()), (stun.REALM, self.realm.encode()),
                 (stun.NONCE, self.nonce)]
        return [(t, v) for t, v in pairs if t not in omit]

    def challenge(self):
        """Takes realm and nonce from a 401."""
        answer = self.transact(stun.encode(stun.ALLOCATE, stun.REQUEST, [UDP_TRANSPORT]))
        assert answer.code == 401, answer
        self.realm, self.nonce = answer[stun.REALM].decode(), answer[stun.NONCE]
        return answer

    def request(self, method, attributes=(), tid=None, fingerprint=False):
        """The request's bytes, with credentials."""
        if self.nonce is None:
            self.challenge()
        return stun.encode(method, stun.REQUEST, [*attributes, *self.credentials()], tid, self.key,
                           fingerprint)

    def ask(self, method, attributes=()):
        """One authenticated transaction. Its answer has to be signed, unless it is a 401 or 438."""
        answer = self.transact(self.request(method, attributes))
        assert answer.method == method, answer
        if answer.code not in (401, 438):
            assert answer.signed_by(self.key), f"not signed: {answer}"
        return answer

    def allocate(self, *attributes, transport=True):
        answer = self.ask(stun.ALLOCATE, [UDP_TRANSPORT, *attributes] if transport else attributes)
        if answer.cls == stun.SUCCESS:
            self.relayed = answer.address(stun.XOR_RELAYED_ADDRESS)
            self.relays = answer.addresses(stun.XOR_RELAYED_ADDRESS)
            self.mapped = answer.address(stun.XOR_MAPPED_ADDRESS)
        return answer

    def refresh(self, lifetime=None, *attributes):
        if lifetime is not None:
            attributes = [(stun.LIFETIME, struct.pack("!I", lifetime)), *attributes]
        return self.ask(stun.REFRESH, attributes)

    def create_permission(self, *peers):
        return self.ask(stun.CREATE_PERMISSION, [(stun.XOR_PEER_ADDRESS, p) for p in peers])

    def channel_bind(self, number, peer):
        return self.ask(stun.CHANNEL_BIND, [(stun.CHANNEL_NUMBER, struct.pack("!HH", number, 0)),
                                            (stun.XOR_PEER_ADDRESS, peer)])

    def binding(self):
        return self.transact(stun.encode(stun.BINDING, stun.REQUEST))

    # Data.

    def send(self, peer, data, *attributes):
        """A Send indication (RFC 8656 section 11.1)."""
        self.send_raw(stun.encode(stun.SEND, stun.INDICATION, [
            (stun.XOR_PEER_ADDRESS, peer), (stun.DATA_ATTRIBUTE, data), *attributes]))

    def channel_data(self, number, data, tail=b""):
        """ChannelData (section 12.4); `tail` goes behind it uncounted, as padding does."""
        self.send_raw(struct.pack("!HH", number, len(data)) + data + tail)

    def receive_data(self):
        """The next Data indication, as (peer, data)."""
        message = stun.parse(self.receive())
        assert (message.method, message.cls) == (stun.DATA, stun.INDICATION), message
        return message.address(stun.XOR_PEER_ADDRESS), message[stun.DATA_ATTRIBUTE]

    def receive_channel_data(self):
        """The next ChannelData, as (number, data); only up to 3 bytes may follow it."""
        got = self.receive()
        number, length = struct.unpack("!HH", got[:4])
        assert 0x4000 <= number <= 0x7FFF and 0 <= len(got) - 4 - length <= 3, got.hex()
        return number, got[4:4 + length]

    def close(self):
        self.sock.close()


UDP_TRANSPORT = (stun.REQUESTED_TRANSPORT, bytes([stun.UDP, 0, 0, 0]))
WANT_IPV4 = (stun.REQUESTED_ADDRESS_FAMILY, bytes([stun.IPV4, 0, 0, 0]))
WANT_BOTH = (stun.ADDITIONAL_ADDRESS_FAMILY, bytes([stun.IPV6, 0, 0, 0]))
EVEN_PORT = (stun.EVEN_PORT, b"\0")
EVEN_PORT_AND_NEXT = (stun.EVEN_PORT, b"\x80")
WANT_IPV6 = (stun.REQUESTED_ADDRESS_FAMILY, bytes([stun.IPV6, 0, 0, 0]))


def lifetime(seconds):
    return stun.LIFETIME, struct.pack("!I", seconds)


def want(family):
    return WANT_IPV6 if family == socket.AF_INET6 else WANT_IPV4


def new_tid():
    return os.urandom(12)
