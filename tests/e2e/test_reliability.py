# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What a death takes with it: the first invariant of the design, under load."""

import signal
import socket

import pytest

import stun
from load import WINDOW, Load, lossless
from server import DATAPLANE_PROGRAM, FAMILIES, answers, started, wait_until

RATE = 20_000  # packets a second, over all channels and both directions
CHANNELS = 100
BEFORE, AFTER = 5, 10  # seconds
# Packets that may be on their way through a dataplane. A TAP's queue goes with its program.
IN_FLIGHT = RATE // 10 if DATAPLANE_PROGRAM == "turnpike-dpdk" else 64
PROGRAMS = {"turnpike", "turnpike-control", DATAPLANE_PROGRAM}


@pytest.fixture
def make_load(lab):
    made = []

    def make(server, family=socket.AF_INET, count=CHANNELS):
        made.append(Load(lab, server, count, family))
        return made[-1]
    yield make
    for load in made:
        load.close()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_killed_control_plane_loses_no_packet_and_its_restart_no_allocation(
        make_server, make_client, make_load, family):
    server = make_server()
    assert set(server.processes()) == PROGRAMS
    load = make_load(server, FAMILIES[family])
    load.start(RATE, BEFORE + AFTER, window=WINDOW)
    load.until(BEFORE)
    dataplane = server.processes()[DATAPLANE_PROGRAM]
    server.restarted("turnpike-control", server.kill("turnpike-control"))
    answers(make_client(FAMILIES[family], of=server))
    lossless(load.result(), RATE, BEFORE + AFTER)
    load.all_answer()
    load.all_flow()
    assert server.processes()[DATAPLANE_PROGRAM] == dataplane
    # Ports that are in use are known to be: new allocations go on beside the old ones.
    client = make_client(FAMILIES[family], of=server)
    assert client.allocate().cls == stun.SUCCESS
    assert client.relayed not in {c.relayed for c in load.clients}


def test_a_killed_dataplane_loses_packets_until_its_restart_and_no_allocation(
        make_server, make_client, make_load):
    server = make_server()
    load = make_load(server)
    load.start(RATE, BEFORE + AFTER)
    load.until(BEFORE)
    control = server.processes()["turnpike-control"]
    server.restarted(DATAPLANE_PROGRAM, server.kill(DATAPLANE_PROGRAM))
    answers(make_client(of=server))
    result = load.result()
    assert (result["duplicated"], result["corrupt"]) == (0, 0), result
    lost = result["lost_by_second"]
    assert sum(lost[:BEFORE]) - result["own_drops"] <= IN_FLIGHT, f"lost before: {result}"
    assert sum(lost[-5:]) == 0, f"lost long after: {result}"
    load.all_answer()
    load.all_flow()
    assert server.processes()["turnpike-control"] == control


def test_both_planes_killed_at_once_lose_no_allocation(make_server, make_client, make_load):
    server = make_server()
    load = make_load(server, count=20)
    control, dataplane = server.kill("turnpike-control"), server.kill(DATAPLANE_PROGRAM)
    server.restarted("turnpike-control", control)
    server.restarted(DATAPLANE_PROGRAM, dataplane)
    answers(make_client(of=server))
    load.all_answer()
    load.flow_again()
    load.all_flow()


def test_repeated_kills_lose_no_allocation(make_server, make_client, make_load):
    server = make_server()
    load = make_load(server, count=20)
    for program in ("turnpike-control", DATAPLANE_PROGRAM, "turnpike-control"):
        server.restarted(program, server.kill(program))
        answers(make_client(of=server))
        load.all_answer()
        load.flow_again()
        load.all_flow()


def test_a_killed_launcher_takes_nothing_with_it_and_the_next_adopts(
        make_server, make_client, make_load):
    server = make_server()
    load = make_load(server)
    load.start(RATE, 10, window=WINDOW)
    load.until(3)
    before = server.processes()
    server.kill("turnpike")
    assert set(server.processes()) == PROGRAMS - {"turnpike"}
    answers(make_client(of=server))
    load.until(6)
    server.start()
    lossless(load.result(), RATE, 10)
    after = server.processes()
    assert set(after) == PROGRAMS
    assert {p: after[p] for p in after if p != "turnpike"} == \
        {p: before[p] for p in before if p != "turnpike"}
    load.all_answer()
    load.all_flow()
    # The next launcher watches over what it adopted, and the vault came with it.
    for program in ("turnpike-control", DATAPLANE_PROGRAM):
        server.restarted(program, server.kill(program))
        answers(make_client(of=server))
        load.all_answer()
        load.flow_again()
        load.all_flow()


def test_clients_allocate_again_when_only_the_dataplane_outlived_launcher_and_control_plane(
        make_server, make_client):
    server = make_server()
    clients = [make_client(of=server) for _ in range(60)]
    for client in clients:
        assert client.allocate().cls == stun.SUCCESS
    dataplane = server.processes()[DATAPLANE_PROGRAM]
    server.kill("turnpike")
    server.kill("turnpike-control")
    server.start()
    assert server.processes()[DATAPLANE_PROGRAM] == dataplane
    answers(clients[0])
    # In reverse order: each gets the slot of another's former allocation.
    for client in reversed(clients):
        client.nonce = None  # the former vault's
        answer = client.allocate()
        assert answer.cls == stun.SUCCESS, answer
        assert client.refresh(600).lifetime == 600


def test_sigterm_ends_everything(make_server, make_load):
    server = make_server()
    make_load(server, count=5)
    births = {pid: started(pid) for pid in server.processes().values()}
    assert len(births) == len(PROGRAMS)
    server.stop()
    assert all(started(pid) != birth for pid, birth in births.items())


def test_sigint_ends_everything_too(make_server):
    server = make_server()
    server.launcher.send_signal(signal.SIGINT)
    assert server.launcher.wait(10) == 0
    assert not server.processes()
    server.launcher = None


def test_secrets_are_on_no_command_line_and_in_no_log(make_server, make_client):
    server = make_server()
    make_client(of=server).allocate()
    for pid in server.processes().values():
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            line = file.read()
        assert b"wonderland" not in line and b"north wind" not in line
    log = "\n".join(server.log)
    assert "wonderland" not in log and "north wind" not in log
