# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""kill -9 of the dataplane with a hundred thousand allocations: how long until they are back."""

import json
import socket
import time

import pytest

import lab as internet
import stun
import turn
from load import Load
from server import BUILD, DATAPLANE_PROGRAM, answers, wait_until

ALLOCATIONS = 100_000
CHANNELS = 20
FIRST_PORT = 2000  # crowd.c's


@pytest.mark.dataplanes("dpdk")  # sockets take a descriptor for each allocation
def test_a_hundred_thousand_allocations_are_there_again(lab, relay, make_server, make_client,
                                                        make_peer):
    server = make_server(relay=relay.v4, ports="4000-65535",
                         limits={"allocations": ALLOCATIONS + 100,
                                 "unauthenticated_per_second": 0,
                                 "network_unauthenticated_per_second": 0})
    load = Load(lab, server, CHANNELS, socket.AF_INET)
    clients = lab.client.v4[4:]
    done = lab.client.run(BUILD / "tests/e2e/crowd", server.address(socket.AF_INET)[0], 3478,
                          "alice", "wonderland", ALLOCATIONS, *clients, capture_output=True,
                          text=True, timeout=100)
    made = json.loads(done.stdout)
    assert (made["made"], made["refused"]) == (ALLOCATIONS, 0), made
    server.expect_count("commands_applied", ALLOCATIONS + CHANNELS)

    began = time.monotonic()
    server.restarted(DATAPLANE_PROGRAM, server.kill(DATAPLANE_PROGRAM))
    answers(make_client(of=server))
    answered = time.monotonic() - began
    wait_until(lambda: server.counters()["commands_applied"] >= ALLOCATIONS + 2 * CHANNELS, 60,
               "everything put again")
    replayed = time.monotonic() - began
    load.flow_again()
    print(f"{ALLOCATIONS} allocations made in {made['took']:.1f} s; after kill -9 of "
          f"{DATAPLANE_PROGRAM} answers in {answered:.2f} s, all put again in {replayed:.2f} s, "
          f"data flows in {time.monotonic() - began:.2f} s")
    load.all_answer()
    load.all_flow()
    # Some of the crowd come back, from the addresses that they had.
    peer = make_peer()
    for number in range(0, ALLOCATIONS, ALLOCATIONS // 50):
        sock = lab.client.udp(clients[number % len(clients)], FIRST_PORT + number // len(clients))
        client = turn.Turn(sock, server.address(socket.AF_INET))
        client.challenge()
        assert client.refresh(600).lifetime == 600
        assert client.create_permission(internet.name(peer)).cls == stun.SUCCESS
        client.send(internet.name(peer), b"still here")
        data, relayed = peer.recvfrom(100)
        assert data == b"still here"
        peer.sendto(b"so am I", relayed)
        assert client.receive_data() == (internet.name(peer), b"so am I")
        client.close()
    load.close()
