# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""A success response says what is in force: after it nothing is lost, before it all is counted."""

import select
import struct

import lab as internet
import stun
from server import wait_until

CLIENTS, CHANNELS = 50, 200  # together 10,000 bindings
EARLY = 20  # packets at most while a response is awaited


class Inbox:
    """What the peers have received: numbers of packets."""

    def __init__(self, peers):
        self.epoll, self.numbers = select.epoll(), set()
        self.peers = {peer.fileno(): peer for peer in peers}
        for peer in peers:
            peer.setblocking(False)
            self.epoll.register(peer, select.EPOLLIN)

    def drain(self):
        for fd, _ in self.epoll.poll(0, 64):
            try:
                while True:
                    number, = struct.unpack("!I", self.peers[fd].recv(100))
                    assert number not in self.numbers, f"{number} came twice"
                    self.numbers.add(number)
            except BlockingIOError:
                pass


def test_a_channel_carries_all_that_is_sent_after_its_response_and_the_rest_is_counted(
        make_server, make_client, make_peer):
    server = make_server()
    peers = [make_peer(host=n % 10) for n in range(CHANNELS)]
    inbox = Inbox(peers)
    addresses = [internet.name(peer) for peer in peers]
    early, late = set(), set()
    number = 0

    def send(client, channel, where):
        nonlocal number
        client.channel_data(channel, struct.pack("!I", number))
        where.add(number)
        number += 1

    for _ in range(CLIENTS):
        client = make_client(of=server)
        assert client.allocate().cls == stun.SUCCESS
        readable = select.poll()
        readable.register(client.sock, select.POLLIN)
        for n in range(CHANNELS):
            channel, tid = 0x4000 + n, number.to_bytes(12, "big")
            request = client.request(stun.CHANNEL_BIND, [
                (stun.CHANNEL_NUMBER, struct.pack("!HH", channel, 0)),
                (stun.XOR_PEER_ADDRESS, addresses[n])], tid)
            send(client, channel, early)
            client.send_raw(request)
            for _ in range(EARLY):
                send(client, channel, early)
                if readable.poll(0):
                    break
            answer = client.answer(tid)
            assert answer.cls == stun.SUCCESS, answer
            send(client, channel, late)
            send(client, channel, late)
            inbox.drain()

    def counted():
        inbox.drain()
        counters = server.counters()
        return counters["client_packets"] - counters["punted"] == number and counters
    counters = wait_until(counted, 5, f"{number} packets counted")
    wait_until(lambda: inbox.drain() or len(inbox.numbers) == counters["relayed_to_peer"], 5,
               "all that was relayed")
    in_time = len(early & inbox.numbers)
    print(f"{len(early)} before the responses: {in_time} relayed, "
          f"{counters['channel_unbound']} unbound; {len(late)} after them")
    assert late <= inbox.numbers, f"{len(late - inbox.numbers)} lost after a response"
    assert counters["channel_unbound"] == len(early) - in_time
    assert counters["channel_unbound"] >= CLIENTS * CHANNELS
