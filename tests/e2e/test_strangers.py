# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Nothing before authentication costs memory: requests of strangers, each from another of 16,777,216 addresses, leave
every program as large as it was, every ring empty, every slot free, and established traffic alone.

TURNPIKE_STRANGERS=10000000 has ten million of them, which takes minutes.
"""

import json
import os
import select
import socket
import struct
import subprocess

import pytest

import stun
from load import CHANNEL, Load
from server import BUILD, wait_until

STRANGERS = int(os.environ.get("TURNPIKE_STRANGERS", "200000"))
PACED = 40000  # of them wait for each other: at once are so many, fewer than any buffer on the way holds
AT_ONCE = 400
FLOOD = 200000  # of the others come without a pause, in which permissions are not refreshed
FLOWS = 10
# Pages of program text that were not needed before, and the like: no more, however many strangers there are.
GROWN_MAX = 128 << 10
KINDS = 8  # strangers.c, and what becomes of them:
REQUESTS = 5
OTHERS = ("channel_unbound", "send_no_allocation", "client_reserved_byte")


class Strangers:
    """They are behind the client's host, which takes what is sent to them and says nothing."""

    def __init__(self, lab, server):
        self.lab, self.sent = lab, 0
        lab.router.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__client__rp_filter=0)
        lab.router.ip(f"route add 10.0.0.0/8 via {lab.client.v4[0]} dev client")
        there = lab.router.run("ip", "-json", "link", "show", "client", capture_output=True)
        self.process = subprocess.Popen(
            lab.client.command(BUILD / "tests/e2e/strangers", "eth0",
                               json.loads(there.stdout)[0]["address"],
                               *server.address(socket.AF_INET)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def send(self, count):
        self.process.stdin.write(f"{count}\n")
        self.sent += count

    def gone(self, seconds=600):
        """Whether all have left, within so long."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return False
        assert json.loads(self.process.stdout.readline())["sent"] == self.sent
        return True

    def close(self):
        self.process.kill()
        self.process.wait()
        self.lab.router.ip("route del 10.0.0.0/8")


class Established:
    """Numbered packets on channels, both ways."""

    def __init__(self, lab, server):
        self.load = Load(lab, server, FLOWS, socket.AF_INET)
        self.round = self.sent = self.lost = 0
        self.ways = []
        for client, peer in zip(self.load.clients, self.load.peers):
            self.ways += [(lambda data, c=client: c.channel_data(CHANNEL, data), peer, 0),
                          (peer.send, client.sock, 4)]

    def go(self, seconds):
        """One packet each way: what has not arrived after so long is lost. Returns how many."""
        self.round += 1
        data = struct.pack("!I", self.round)
        for send, _, _ in self.ways:
            send(data)
        self.sent += len(self.ways)
        missing = {sock.fileno(): (sock, front) for _, sock, front in self.ways}
        poll = select.poll()
        for fd in missing:
            poll.register(fd, select.POLLIN)
        while missing and (ready := poll.poll(seconds * 1000)):
            for fd, _ in ready:
                sock, front = missing[fd]
                # What comes late is of a round before, and has been told as lost.
                if sock.recv(100)[front:front + 4] == data:
                    poll.unregister(fd)
                    del missing[fd]
        self.lost += len(missing)
        return len(missing)

    def close(self):
        self.load.close()


def resident(server):
    """{program: bytes}"""
    found = {}
    for program, pid in server.processes().items():
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            found[program] = sum(int(line.split()[1]) << 10 for line in file
                                 if line.startswith("Rss:"))
    return found


def held(server):
    """What a stranger might hold: allocations, relay ports."""
    status = server.ctl("status")
    return (status["allocations"]["live"], [relay["ports"]["used"] for relay in status["relays"]])


def rings(server):
    """Bytes in all rings, and the fill of the fullest ring of punts."""
    workers = server.ctl("status")["dataplane"]["rings"]
    return (sum(ring["used"] for worker in workers for ring in worker.values()),
            max(worker["punts"]["used"] / worker["punts"]["size"] for worker in workers))


def since(server, before):
    return {name: value - before[name] for name, value in server.counters().items()
            if value != before[name]}


def handled(counted):
    """Whether the control plane has handled all that was punted."""
    return counted.get("punted", 0) == sum(
        counted.get(name, 0) for name in (
            "binding_requests", "allocate_requests", "refresh_requests",
            "create_permission_requests", "channel_bind_requests", "other_requests"))


@pytest.mark.parametrize("limits", ["on", "off"])
def test_strangers_of_16_million_addresses_leave_nothing_behind(lab, make_server, limits):
    off = {"unauthenticated_per_second": 0, "network_unauthenticated_per_second": 0}
    server = make_server(limits=off if limits == "off" else {})
    established, strangers = Established(lab, server), Strangers(lab, server)
    try:
        established.go(30)
        programs, free, before = server.processes(), held(server), server.counters()
        size = {"before": resident(server)}

        # As many as are taken: not a packet is lost, theirs or ours.
        for _ in range(PACED // AT_ONCE):
            strangers.send(AT_ONCE)
            established.go(30)
            assert strangers.gone()
        wait_until(lambda: (c := since(server, before)) and handled(c) and
                   c.get("punted", 0) + c.get("punt_ring_full", 0) == PACED // KINDS * REQUESTS and
                   all(c.get(name) == PACED // KINDS for name in OTHERS),
                   what=f"all strangers are counted: {since(server, before)}")
        size["paced"] = resident(server)
        assert (established.lost, established.sent) == (0, (PACED // AT_ONCE + 1) * 2 * FLOWS)

        # As many as there is no room for: what is lost is told, and nothing else is.
        fullest = 0
        while strangers.sent < STRANGERS:
            strangers.send(min(FLOOD, STRANGERS - strangers.sent))
            while not strangers.gone(0):
                established.go(0.2)
                fullest = max(fullest, rings(server)[1])
            size["flood"] = resident(server)
            # The flood is over when what is on its way has been taken or dropped.
            wait_until(lambda: established.go(5) == 0, 60, "a round without loss")
            established.load.all_answer()
        flood = established.sent, established.lost
        wait_until(lambda: handled(since(server, before)) and rings(server)[0] == 0,
                   what="rings are empty")
        for _ in range(10):
            assert established.go(30) == 0, "lost after the flood"
        size["after"] = resident(server)

        counted = since(server, before)
        print(f"\n{strangers.sent} strangers, limits {limits}: " + ", ".join(
            f"{name} {counted.get(name, 0)}" for name in (
                "punted", "success_responses", "error_401", "error_438", "drop_rate_limited",
                "punt_ring_full", "rx_overflow", *OTHERS)))
        print(f"established: {flood[1]} of {flood[0]} lost, all in the flood; "
              f"punts at their fullest {fullest:.0%}")
        for program in programs:
            print(f"{program}: " + ", ".join(
                f"{when} {size[when][program] >> 10} KiB" for when in size))
        assert fullest <= 0.5
        assert held(server) == free
        assert server.processes() == programs
        for when in size:
            for program in programs:
                assert size[when][program] - size["before"][program] <= GROWN_MAX, (program, when)
    finally:
        strangers.close()
        established.close()
