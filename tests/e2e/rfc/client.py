# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""A client over UDP: transactions with their timers, credentials, redirection, TURN's requests."""

import os
import select
import struct
import time

from . import numbers as n
from .credentials import Credentials
from .message import Violation, address, build, demand, read, xored

# Section 6.2.1, the RTO as for a network where more is known (it need not be 500 ms there).
RTO, RC, RM = 0.5, 7, 16
UDP_TRANSPORT = (n.REQUESTED_TRANSPORT, bytes((n.UDP, 0, 0, 0)))
UNAUTHENTICATED = (401, 438)


class Client:
    """lose: of so many answers this client never learns. last: a FINGERPRINT in every request."""

    def __init__(self, sock, server, user="alice", password="wonderland", *, rto=RTO, last=False,
                 follow=True, **how):
        self.sock, self.server = sock, server
        self.credentials = Credentials(user, password, **how)
        self.rto, self.last, self.follow = rto, last, follow
        self.lose = self.retransmissions = 0
        self.data = []  # what came besides answers
        self.lost = []  # answers that this client never learnt of
        self.allocated = False
        self.tried = {server}
        sock.setblocking(False)

    # Messages in and out.

    def send(self, raw):
        self.sock.sendto(raw, self.server)

    def receive(self, seconds):
        """One datagram of the server; None: none came in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 or seconds == 0:
            if not select.select([self.sock], [], [], max(left, 0))[0]:
                return None
            raw, source = self.sock.recvfrom(1 << 16)
            # Section 6.3.1.2: from where the request went.
            demand(source[:2] == self.server, "an answer from elsewhere", source)
            return raw
        return None

    def exchange(self, request):
        """Sends a request, again and again as section 6.2.1 has it, and returns its answer."""
        tid, deadline = request[8:20], None
        wait = self.rto
        for sent in range(RC):
            self.send(request)
            self.retransmissions += sent > 0
            deadline = time.monotonic() + (RM * self.rto if sent == RC - 1 else wait)
            wait *= 2
            while (left := deadline - time.monotonic()) > 0:
                raw = self.receive(left)
                if raw is None:
                    break
                answer = self.sort(raw, tid)
                if answer is None:
                    continue
                if self.lose:
                    self.lose -= 1
                    self.lost.append(answer)
                    continue
                return answer
        raise TimeoutError(f"no answer to {request.hex()}")

    def sort(self, raw, tid):
        """The answer to `tid`; None: something else, which is kept, or an answer to before."""
        if raw[0] >= 0x40:
            self.data.append(raw)
            return None
        message = read(raw)
        if message.cls == n.INDICATION:
            self.data.append(raw)
            return None
        return message if message.tid == tid else None

    # Requests.

    def request(self, method, attributes=(), tid=None):
        """A request as this client forms it now."""
        c = self.credentials
        key = c.key if c.nonce is not None else None
        return build(method, n.REQUEST, [*attributes, *c.attributes()], tid, key, c.kind, self.last)

    def ask(self, method, attributes=()):
        """One transaction, and what the server wants first. Returns the last answer, which has been
        checked: integrity, method, class."""
        before = None
        for _ in range(4):
            authenticated = self.credentials.nonce is not None
            tid = os.urandom(12)
            attributes_now = attributes(tid) if callable(attributes) else attributes
            answer = self.exchange(self.request(method, attributes_now, tid))
            demand(answer.method == method and answer.cls in (n.SUCCESS, n.ERROR), "type", answer)
            demand(not self.last or n.FINGERPRINT in answer.types(), "FINGERPRINT", answer.types())
            if answer.code in UNAUTHENTICATED:
                self.check_challenge(answer)
                if answer.code == 401 and authenticated and before != 438:
                    return answer  # section 9.2.5: not without another password
                self.credentials.learn(answer)
                before = answer.code
                continue
            if authenticated:
                self.check_integrity(answer)
            if answer.code == 300 and self.follow:
                self.redirect(answer)
                before = None
                continue
            return answer
        raise Violation("the server never comes to an end", before)

    @staticmethod
    def check_challenge(answer):
        """Section 9.2.4 of 401 and 438."""
        types = set(answer.types())
        demand({n.REALM, n.NONCE, n.PASSWORD_ALGORITHMS} <= types, "missing", types)
        demand(not types & {n.USERNAME, n.USERHASH, n.MESSAGE_INTEGRITY,
                            n.MESSAGE_INTEGRITY_SHA256}, "not wanted", types)

    def check_integrity(self, answer):
        """Section 9.2.4: the one integrity that the request asked for, over all answers."""
        kind = self.credentials.kind
        other = {n.MESSAGE_INTEGRITY, n.MESSAGE_INTEGRITY_SHA256} - {kind}
        types = set(answer.types())
        demand(kind in types and not other & types, "integrity", answer.code, types)
        demand(answer.verifies(self.credentials.key, kind), "the integrity is wrong", answer.code)
        demand(not types & {n.REALM, n.NONCE, n.USERNAME, n.USERHASH}, "not wanted", types)

    def redirect(self, answer):
        """Section 10: the first server of our family, once."""
        ours = ":" in self.server[0]
        for endpoint in answer.endpoints(n.ALTERNATE_SERVER):
            if (":" in endpoint[0]) == ours:
                demand(endpoint not in self.tried, "redirected in a circle", endpoint)
                self.server = endpoint
                self.tried.add(endpoint)
                # Another server has nonces of its own.
                c = self.credentials
                self.credentials = Credentials(c.user, c.password, c.supported, c.anonymous)
                return
        raise Violation("no ALTERNATE-SERVER of the client's family")

    # TURN.

    def binding(self):
        answer = self.exchange(build(n.BINDING, n.REQUEST, last=self.last))
        return answer.endpoints(n.XOR_MAPPED_ADDRESS)[0]

    def allocate(self, *more):
        answer = self.ask(n.ALLOCATE, [UDP_TRANSPORT, *more])
        self.allocated |= answer.cls == n.SUCCESS
        return answer

    def refresh(self, seconds=None, *more):
        lifetime = [] if seconds is None else [(n.LIFETIME, struct.pack("!I", seconds))]
        answer = self.ask(n.REFRESH, [*lifetime, *more])
        self.allocated &= seconds != 0 or bool(more)
        return answer

    def permit(self, *peers):
        return self.ask(n.CREATE_PERMISSION, lambda tid: [peer(p, tid) for p in peers])

    def bind(self, channel, endpoint):
        return self.ask(n.CHANNEL_BIND, lambda tid: [
            (n.CHANNEL_NUMBER, struct.pack("!HH", channel, 0)), peer(endpoint, tid)])

    def indicate(self, endpoint, payload, *more):
        tid = os.urandom(12)
        self.send(build(n.SEND, n.INDICATION, [peer(endpoint, tid), (n.DATA_VALUE, payload), *more],
                        tid, last=self.last))

    def channel(self, number, payload):
        self.send(struct.pack("!HH", number, len(payload)) + payload)

    def take(self, seconds=20):
        """The next datagram of a peer: (peer or channel, payload)."""
        raw = self.data.pop(0) if self.data else self.receive(seconds)
        demand(raw is not None, "nothing of a peer")
        if raw[0] >= 0x40:
            number, length = struct.unpack_from("!HH", raw)
            demand(length == len(raw) - 4, "length of ChannelData", raw)
            return number, raw[4:]
        message = read(raw)
        demand((message.method, message.cls) == (n.DATA, n.INDICATION), "no Data", message)
        demand(message.types() == [n.XOR_PEER_ADDRESS, n.DATA_VALUE], "Data", message.types())
        return message.endpoints(n.XOR_PEER_ADDRESS)[0], message.get(n.DATA_VALUE)

    def close(self):
        self.sock.close()


def peer(endpoint, tid):
    return n.XOR_PEER_ADDRESS, xored(address(endpoint), tid)
