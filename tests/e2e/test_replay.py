# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""kill -9 of the dataplane under traffic, with a hundred thousand allocations: how long until they are back."""

import json
import resource
import socket
import time

import lab as internet
import stun
import turn
from load import Load
from server import BUILD, DATAPLANE, DATAPLANE_PROGRAM, answers, wait_until

ALLOCATIONS = 100_000
CHANNELS = 20
FIRST_PORT = 2000  # crowd.c's
RATE, SECONDS = 4_000, 4  # of the traffic; packets a second
BESIDE = 1_000  # descriptors of turnpike-kernel that are no allocation's, and some more


def descriptors():
    """How many turnpike-kernel may have, having raised the limit as far as it goes here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, max(hard, ALLOCATIONS + BESIDE)))
    except (OSError, ValueError):  # not permitted
        pass
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def as_many_as_may_be():
    """How many allocations, and what says so. Sockets take a descriptor for each, under XDP too."""
    if DATAPLANE == "dpdk" or (limit := descriptors()) >= ALLOCATIONS + BESIDE:
        return ALLOCATIONS, ""
    return limit - BESIDE, f" (RLIMIT_NOFILE is {limit} here)"


def test_a_hundred_thousand_allocations_are_there_again(lab, relay, make_server, make_client,
                                                        make_peer):
    count, limited = as_many_as_may_be()
    server = make_server(relay=relay.v4, ports="4000-65535",
                         limits={"allocations": count + 100,
                                 "unauthenticated_per_second": 0,
                                 "network_unauthenticated_per_second": 0})
    load = Load(lab, server, CHANNELS, socket.AF_INET)
    clients = lab.client.v4[4:]
    done = lab.client.run(BUILD / "tests/e2e/crowd", server.address(socket.AF_INET)[0], 3478,
                          "alice", "wonderland", count, *clients, capture_output=True,
                          text=True, timeout=100)
    made = json.loads(done.stdout)
    assert (made["made"], made["refused"]) == (count, 0), made
    server.expect_count("commands_applied", count + CHANNELS)

    load.start(RATE, SECONDS)
    load.until(1)
    began = time.monotonic()
    server.restarted(DATAPLANE_PROGRAM, server.kill(DATAPLANE_PROGRAM))
    answers(make_client(of=server))
    answered = time.monotonic() - began
    wait_until(lambda: server.counters()["commands_applied"] >= count + 2 * CHANNELS, 60,
               "everything put again")
    replayed = time.monotonic() - began
    print(f"{count} allocations{limited} made in {made['took']:.1f} s; after kill -9 of "
          f"{DATAPLANE_PROGRAM} answers in {answered:.2f} s, all put again in {replayed:.2f} s")
    result = load.result()
    assert (result["duplicated"], result["corrupt"]) == (0, 0), result
    load.flow_again()
    load.all_answer()
    load.all_flow()
    # Some of the crowd come back, from the addresses that they had.
    peer = make_peer()
    for number in range(0, count, count // 50):
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
