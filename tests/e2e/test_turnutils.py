# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""coturn's client and peer from Debian, without a lost packet.

The client starts after a random 1 to 6 seconds, so all runs go on beside each other.
"""

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from server import SECRETS, Server

PASSWORD = ["-u", "alice", "-w", "wonderland"]
# Without -c each client wants RTP's pair of ports: EVEN-PORT with R, and the token for the next one.
SINGLE = "-c"
# Options, and the families of server and peer. -N with channels binds one peer to two numbers, and
# gives up on the 400 that this has to get from every server: so it sends indications.
RUNS = {
    "negative tests": (["-N", "-s", *PASSWORD], "v4", "v4"),
    "50 clients": (["-m", "50", "-n", "40", *PASSWORD], "v4", "v4"),
    "50 clients with Send over IPv6": (["-m", "50", "-n", "40", "-s", "-x", *PASSWORD], "v6", "v6"),
    "channels": (PASSWORD, "v4", "v4"),
    "Send indications": (["-s", *PASSWORD], "v4", "v4"),
    "IPv6 relay": (["-x", *PASSWORD], "v4", "v6"),
    "IPv6 all the way": (["-x", *PASSWORD], "v6", "v6"),
    "IPv6 client": (["-X", *PASSWORD], "v6", "v4"),
    "DONT-FRAGMENT": (["-g", *PASSWORD], "v4", "v4"),
    "DONT-FRAGMENT with Send": (["-g", "-s", *PASSWORD], "v4", "v4"),
    "padded channels": (["-D", "-l", "171", *PASSWORD], "v4", "v4"),
    "REST": (["-u", "somebody", "-W", SECRETS[1]], "v4", "v4"),
    "pairs of ports": (PASSWORD, "v4", "v4", None),
    "pairs of ports with Send": (["-s", *PASSWORD], "v4", "v4", None),
    "pairs of ports for 20 clients": (["-m", "20", "-n", "20", *PASSWORD], "v4", "v4", None),
    "pairs of IPv6 ports": (["-x", *PASSWORD], "v6", "v6", None),
    "extra requests": (["-G", *PASSWORD], "v4", "v4"),
    "extra requests with Send": (["-G", "-s", *PASSWORD], "v4", "v4"),
    "extra requests for pairs of ports": (["-G", *PASSWORD], "v4", "v4", None),
    "extra requests in negative tests": (["-N", "-G", "-s", *PASSWORD], "v4", "v4"),
}
# Each client gets a ticket and goes on from another port.
MOBILE = {
    "mobile": (["-M", *PASSWORD], "v4", "v4"),
    "mobile with Send": (["-M", "-s", *PASSWORD], "v4", "v4"),
    "mobile with an IPv6 relay": (["-M", "-x", *PASSWORD], "v4", "v6"),
}
# Forty are what -B takes to do anything. What is on its way to a client that is gone is lost.
LEAVING = {
    "random disconnects": (["-B", "-m", "40", "-n", "20", *PASSWORD], "v4", "v4"),
    "random disconnects with Send": (["-B", "-s", "-m", "40", "-n", "20", *PASSWORD], "v4", "v4"),
}
# They allocate, send and are gone, without a look at what comes back.
DENIAL = {
    "denial of service": (["-O", "-m", "40", *PASSWORD], "v4", "v4"),
    "denial of service with Send": (["-O", "-s", "-m", "40", *PASSWORD], "v4", "v4"),
}
# -R spoils messages at random, and most clients then wait without end for an answer to a request
# made unreadable, whichever the server. So many clients try, and those that come through count.
TRIES = 20
SPOILING = {
    f"{name} {attempt}": (options, "v4", "v4") for attempt in range(TRIES)
    for name, options in {
        "negative protocol tests": ["-R", "-m", "1", *PASSWORD],
        "both negative tests": ["-N", "-R", "-s", "-m", "1", *PASSWORD]}.items()}
SECONDS = 45
# The others come to an end by themselves, whenever that is: a busy machine takes its time.
PATIENCE = 150
# Where the server counts the data packets that -R spoils on purpose.
SPOILT = ("channel_malformed", "channel_unbound", "client_reserved_byte", "client_stun_malformed",
          "client_stun_unexpected", "send_incomplete", "send_unknown_attribute",
          "send_no_permission", "send_invalid_peer")


@pytest.fixture(scope="module")
def runs(lab):
    """The server, and {name: future of the client's end}; every run has a peer of its own."""
    if not shutil.which("turnutils_uclient"):
        pytest.skip("needs Debian's coturn for turnutils_uclient and turnutils_peer")
    relay = lab.add_relay()
    server = Server(relay, channel_numbers="rfc5766")
    peers = []

    everything = {**SPOILING, **RUNS, **MOBILE, **LEAVING, **DENIAL}
    # Who leaves an allocation behind leaves it on a port that the kernel gives to others then, and one
    # who moves there rightly gets 437 and gives up: so those who move have addresses of their own.
    local = {name: lab.client.v4[1 + index] for index, name in enumerate(MOBILE)}

    def run(number, name, options, server_family, peer_family, single=SINGLE):
        peer_host = lab.peer.v6[0] if peer_family == "v6" else lab.peer.v4[0]
        server_host = relay.v6[0] if server_family == "v6" else relay.v4[0]
        return lab.client.run(
            "turnutils_uclient", *filter(None, [single]),
            *(["-L", local[name]] if name in local else []), "-n", "50", "-m", "4", "-l", "170", *options, "-e",
            peer_host, "-r", 4000 + 2 * number, server_host, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", check=False,
            timeout=SECONDS if name in SPOILING else PATIENCE)
    try:
        server.start()
        with ThreadPoolExecutor(len(SPOILING) + 4) as pool:
            futures = {}
            for number, (name, how) in enumerate(everything.items()):
                host = lab.peer.v6[0] if how[2] == "v6" else lab.peer.v4[0]
                for port in (4000 + 2 * number, 4001 + 2 * number):  # RTP and RTCP
                    peers.append(subprocess.Popen(
                        lab.peer.command("turnutils_peer", "-L", host, "-p", port),
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
                futures[name] = pool.submit(run, number, name, *how)
            yield server, futures
        server.stop()
    finally:
        for peer in peers:
            peer.kill()
            peer.wait()
        server.end()
        lab.remove_relay(relay)


def outcome(done):
    """(sent, received, lost) of a client that came to its end."""
    assert done.returncode == 0, done.stdout[-3000:]
    total = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", done.stdout)
    lost = re.search(r"Total lost packets (\d+) .*total send dropped 0 ", done.stdout)
    assert lost, done.stdout[-3000:]
    return (*map(int, total[-1]), int(lost.group(1)))


@pytest.mark.parametrize("name", RUNS)
def test_uclient_loses_nothing(runs, name):
    done = runs[1][name].result()
    sent, received, lost = outcome(done)
    assert lost == 0 and sent == received > 0, done.stdout[-3000:]


@pytest.mark.parametrize("name", ["negative protocol tests", "both negative tests"])
def test_uclient_loses_only_what_it_spoilt(runs, name):
    server, futures = runs
    through = []
    for attempt in range(TRIES):
        try:
            done = futures[f"{name} {attempt}"].result()
        except subprocess.TimeoutExpired:
            continue
        # At the 400 that a request spoilt by itself rightly gets, it gives up.
        if done.returncode != 255 or "error 400 (Bad Request)" not in done.stdout:
            through.append(outcome(done))
    counters = server.counters()
    assert through, f"no client came through: {counters}"
    assert all(received > 0 for _, received, _ in through), through
    spoilt = sum(counters[counter] for counter in SPOILT)
    assert sum(lost for _, _, lost in through) <= spoilt, (through, counters)


# It closes its former port as it moves, so what is on its way there is lost.
def test_a_mobile_uclient_goes_on_from_another_port(runs):
    server, futures = runs
    done = {name: futures[name].result() for name in MOBILE}
    for name, run in done.items():
        sent, received, lost = outcome(run)
        assert received > 0 and sent - received == lost, (name, run.stdout[-3000:])
    counters = server.counters()
    assert counters["allocations_moved"] >= 4 * len(MOBILE), counters


@pytest.mark.parametrize("name", LEAVING)
def test_a_uclient_that_leaves_loses_what_was_on_its_way(runs, name):
    sent, received, lost = outcome(runs[1][name].result())
    assert received > 0 and sent - received == lost


@pytest.mark.parametrize("name", DENIAL)
def test_uclients_that_only_take_are_served_and_so_is_everybody_else(runs, make_rfc, name):
    server, futures = runs
    done = futures[name].result()
    assert done.returncode == 0, done.stdout[-3000:]
    client = make_rfc(server)
    assert client.allocate().code is None and client.refresh(0).code is None
