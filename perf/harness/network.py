# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""A wire between the generator and one server: a veth pair between two network namespaces.

    gun: gun0 198.51.100.9 ---------- eth0 198.51.100.2, .3, with many allocations .30 and up :server

turngun answers for clients (.100 and up) and peers (.200) itself, over AF_XDP on gun0; the kernel's
addresses there are for what is asked before and beside it. Each server has a wire of its own, so that
all stand side by side and take turns.
"""

import contextlib
import os
import pathlib
import subprocess
import sys

from harness import machine

sys.path.insert(0, str(machine.REPOSITORY / "tests/e2e"))

import lab  # noqa: E402

SERVER, SECOND = "198.51.100.2", "198.51.100.3"
PORT = 3478
KERNEL_CLIENT, KERNEL_PEER = "198.51.100.9", "198.51.100.10"
CLIENT_RANGE = "198.51.100.100:10000"
PEER_RANGE = "198.51.100.200:20000"
NETWORK = "198.51.100.0/24"
MANY_CLIENTS = "198.51.100.100+25:10000"  # 55,000 each
RELAY_PORTS = 50000  # of an address that are surely free


def relays(allocations):
    """Addresses with room for so many relayed ports."""
    more = max(0, -(-allocations // RELAY_PORTS) - 2)
    return [SERVER, SECOND, *(f"198.51.100.{30 + n}" for n in range(more))]


class Wire:
    def __init__(self, name, allocations=1):
        self.relays = relays(allocations)
        self.gun, self.server = lab.Namespace(f"gun-{name}"), lab.Namespace(name)
        for side in (self.gun, self.server):
            side.sysctl(ipv6__conf__all__disable_ipv6=1, ipv6__conf__default__disable_ipv6=1)
        self.gun.ip("link add gun0 type veth peer name eth0",
                    f"link set eth0 netns {self.server.path}", "link set gun0 up",
                    f"addr add {KERNEL_CLIENT}/24 dev gun0", f"addr add {KERNEL_PEER}/24 dev gun0")
        # A relay without a default route fails to send where it should be refused.
        self.server.ip("link set eth0 up", *self.addresses("eth0"),
                       "route add default via 198.51.100.1")
        for side, device in ((self.gun, "gun0"), (self.server, "eth0")):
            lab.whole_checksums(side, device)
        self._poll_on_server_cpu()

    def addresses(self, device):
        return [f"addr add {a}/24 dev {device}" for a in self.relays]

    def _poll_on_server_cpu(self):
        """What the kernel does with arriving frames is the server's work: in a thread, on its CPU. A veth polls
        where it has GRO or a program; else it delivers on the sender's CPU."""
        self.server.run("ethtool", "-K", "eth0", "gro", "on", stdout=subprocess.DEVNULL)
        try:
            # /sys shows the namespace of whoever mounted it.
            self.server.run("unshare", "-m", "sh", "-c",
                            "mount -t sysfs none /sys && echo 1 > /sys/class/net/eth0/threaded",
                            stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            return
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if (entry / "comm").read_text(encoding="ascii").startswith("napi/eth0-"):
                    os.sched_setaffinity(int(entry.name), {server_cpu()})
            except (OSError, ValueError):
                continue

    @contextlib.contextmanager
    def taking_frames(self, build):
        """The kernel's end takes frames of XDP. With GRO alone a veth lets what an XDP program sends wait
        until something else wakes it; turngun has a program of its own, and none beside it."""
        program = build / "dataplane/kernel/xdp/probe.bpf.o"
        if not program.exists():  # nor is there a server that sends any
            yield
            return
        self.gun.run("ip", "link", "set", "dev", "gun0", "xdpdrv", "obj", program, "sec", "xdp")
        try:
            yield
        finally:
            self.gun.run("ip", "link", "set", "dev", "gun0", "xdpdrv", "off")

    def processes(self):
        """The ids of everything that runs in the server's namespace."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.stat(f"/proc/{entry}/ns/net").st_ino == self.server.inode:
                    found.append(int(entry))
            except OSError:
                continue
        # This process's own thread lives there too.
        return [pid for pid in found if pid != os.getpid()]

    def close(self):
        self.gun.close()
        self.server.close()


def gun_cpu():
    return machine.cpus()[0]


def server_cpu():
    """The last: with two CPUs the generator has one and the server has the other."""
    return machine.cpus()[-1]
