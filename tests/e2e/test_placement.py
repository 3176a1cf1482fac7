# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Several workers behind a NIC that brings relay ports to queues: to their owners, or never to them."""

import pytest

import lab as internet
import stun
from load import CHANNEL
from server import PORT, wait_until
from wire import PLACEMENT, WORKERS

# Takes a NIC that the test plays, and several workers.
SEVERAL = PORT in ("memif", "vhost") and WORKERS > 1
pytestmark = pytest.mark.dataplanes(*["dpdk"] * SEVERAL)

CLIENTS, EACH = 16, 20


def test_each_packet_is_relayed_once_and_crosses_a_ring_only_where_the_nic_erred(
        make_server, make_client, make_peer):
    server = make_server()
    pairs = [(make_client(of=server), make_peer(host=n % 10)) for n in range(CLIENTS)]
    for client, peer in pairs:
        assert client.allocate().cls == stun.SUCCESS
        assert client.channel_bind(CHANNEL, internet.name(peer)).cls == stun.SUCCESS
    assert len({client.relayed[1] % WORKERS for client, _ in pairs}) == WORKERS
    before = server.counters()
    for client, peer in pairs:
        for n in range(EACH):
            client.channel_data(CHANNEL, bytes([n]))
            peer.sendto(bytes([n]), client.relayed)
    for client, peer in pairs:
        assert [peer.recv(100)[0] for _ in range(EACH)] == list(range(EACH))
        assert [client.receive_channel_data()[1][0] for _ in range(EACH)] == list(range(EACH))

    def settled():
        now = server.counters()
        return now["relayed_to_client"] - before["relayed_to_client"] >= CLIENTS * EACH and now
    after = wait_until(settled, 5, "counters")
    grown = {name: after[name] - before[name] for name in
             ("client_packets", "relayed_to_peer", "peer_packets", "relayed_to_client", "handed_off")}
    assert grown == {"client_packets": CLIENTS * EACH, "relayed_to_peer": CLIENTS * EACH,
                     "peer_packets": CLIENTS * EACH, "relayed_to_client": CLIENTS * EACH,
                     "handed_off": CLIENTS * EACH if PLACEMENT == "astray" else 0}
    for client, peer in pairs:
        for sock in (client.sock, peer):
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recv(100)
            sock.settimeout(5)
    workers = server.ctl("counters", "--all")["workers"]
    assert all(w.get("relayed_to_client", 0) for w in workers), "one worker did it all"
