# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Many allocations with a channel each, and the pump that drives packets through them."""

import json
import subprocess

import lab as internet
import stun
import turn
from server import BUILD, wait_until

CHANNEL = 0x4000
PUMP = BUILD / "tests/e2e/pump"
WINDOW = 900  # packets on their way at once, where none may be lost: any buffer on the way holds them


def drain(sock):
    sock.setblocking(False)
    try:
        while True:
            sock.recv(2000)
    except BlockingIOError:
        pass
    finally:
        sock.settimeout(turn.TIMEOUT)


class Load:
    """`count` clients, each with a channel to a peer of its own."""

    def __init__(self, lab, server, count, family):
        self.clients, self.peers = [], []
        for n in range(count):
            client = turn.Turn(lab.client.udp(lab.client.address(family, n % 10)),
                               server.address(family), ("alice", "bob", "carol")[n % 3])
            peer = lab.peer.udp(lab.peer.address(family, n % 10))
            self.clients.append(client)
            self.peers.append(peer)
            assert client.allocate(turn.want(family)).cls == stun.SUCCESS
            assert client.channel_bind(CHANNEL, internet.name(peer)).cls == stun.SUCCESS
        for client, peer in zip(self.clients, self.peers):
            client.sock.connect(client.server)
            peer.connect(client.relayed)
            client.send_raw = client.sock.send  # connected
        self.process = None

    def start(self, rate, seconds, size=160, window=0):
        fds = [sock.fileno() for c, p in zip(self.clients, self.peers) for sock in (c.sock, p)]
        flows = [f"{c.sock.fileno()}:{p.fileno()}:{CHANNEL}"
                 for c, p in zip(self.clients, self.peers)]
        self.process = subprocess.Popen(
            [PUMP, str(rate), str(seconds), str(size), str(window), *flows], pass_fds=fds,
            stdout=subprocess.PIPE, text=True)

    def line(self):
        text = self.process.stdout.readline()
        assert text, f"the pump ended with {self.process.wait()}"
        return json.loads(text)

    def until(self, second):
        """Returns when the pump has run for so many seconds."""
        while (line := self.line()).get("second", -1) < second:
            assert "sent" not in line, f"over before second {second}: {line}"

    def result(self):
        while "sent" not in (line := self.line()):
            pass
        assert self.process.wait() == 0
        self.process = None
        return line

    def all_answer(self):
        """Each allocation is there: Refresh, CreatePermission, ChannelBind, with the old nonce."""
        for client, peer in zip(self.clients, self.peers):
            client.inbox.clear()
            assert client.refresh(600).lifetime == 600
            assert client.create_permission(internet.name(peer)).cls == stun.SUCCESS
            assert client.channel_bind(CHANNEL, internet.name(peer)).cls == stun.SUCCESS

    def flow_again(self):
        """Waits until data goes both ways, as it does some time after a death of the dataplane."""
        for client, peer in zip(self.clients, self.peers):
            def goes(send, sock):
                send()
                try:
                    sock.recv(2000)
                except (TimeoutError, ConnectionRefusedError):
                    return False
                return True
            for sock, send in ((peer, lambda c=client: c.channel_data(CHANNEL, b"still there?")),
                               (client.sock, lambda p=peer: p.send(b"still there?"))):
                sock.settimeout(0.05)
                wait_until(lambda: goes(send, sock), 5, "a flow after a restart")
                sock.settimeout(turn.TIMEOUT)
        for client, peer in zip(self.clients, self.peers):
            for sock in (client.sock, peer):
                drain(sock)

    def all_flow(self):
        """Data goes both ways, between the relayed addresses and peers of the beginning."""
        for client, peer in zip(self.clients, self.peers):
            client.channel_data(CHANNEL, b"out")
            assert peer.recv(2000) == b"out"
            peer.send(b"back")
            assert client.receive_channel_data() == (CHANNEL, b"back")

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        for client, peer in zip(self.clients, self.peers):
            client.close()
            peer.close()


def lossless(result, rate, seconds):
    """Nothing lost, doubled or changed, but what the pump's own sockets had no room for."""
    assert result["sent"] == rate * seconds, result
    # A busy machine sends more slowly, and what is asked here holds at any rate: how long it took is not judged.
    assert (result["lost"] - result["own_drops"], result["duplicated"], result["corrupt"],
            result["other"], result["send_errors"]) == (0, 0, 0, 0, 0), result
