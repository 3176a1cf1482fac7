# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""A small internet out of network namespaces.

    client 192.0.2.0/25 -------+
    homes, a /28 each ---------+-- router --- relays 198.51.100.0/24, a /28 for each server
    peer 203.0.113.0/24 -------+

The namespaces have no names: threads and descriptors of this process hold them. So nothing is left
over however the process ends, and any number of labs stand side by side.
"""

import ctypes
import ipaddress
import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

CLONE_NEWNET = 0x40000000
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
libc = ctypes.CDLL(None, use_errno=True)


def name(sock):
    """(address, port) of a socket, for IPv6 too."""
    return sock.getsockname()[:2]


class Namespace:
    """A network namespace and the thread that lives in it."""

    def __init__(self, name):
        self.name = name
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self.fd = self.run_inside(self._unshare)
        self.path = f"/proc/{os.getpid()}/fd/{self.fd}"
        self.inode = os.fstat(self.fd).st_ino
        self.ip("link set lo up")

    @staticmethod
    def _unshare():
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET)")
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def run_inside(self, function, *args):
        return self.thread.submit(function, *args).result()

    def command(self, *words):
        """The command line that runs `words` inside and ends it when this process dies."""
        return ["nsenter", f"--net={self.path}", "setpriv", "--pdeathsig", "TERM", *map(str, words)]

    def run(self, *words, check=True, **more):
        return subprocess.run(self.command(*words), check=check, **more)

    def ip(self, *lines):
        self.run("ip", "-batch", "-", input="\n".join(lines), text=True)

    def sysctl(self, **values):
        def write():
            for key, value in values.items():
                with open("/proc/sys/net/" + key.replace("__", "/"), "w", encoding="ascii") as file:
                    file.write(str(value))
        self.run_inside(write)

    def udp(self, address, port=0, buffer=1 << 20):
        """A UDP socket of this namespace, usable from any thread."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = self.run_inside(socket.socket, family, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer)
        sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, buffer)
        sock.bind((address, port))
        sock.settimeout(5)
        return sock

    def close(self):
        self.thread.shutdown()
        os.close(self.fd)


def whole_checksums(namespace, device):
    """Frames with partial checksums must not reach an XDP program, a raw socket or a TAP."""
    namespace.run("ethtool", "-K", device, "tx", "off", stdout=subprocess.DEVNULL,
                  stderr=subprocess.DEVNULL)


class Host(Namespace):
    """A host with one interface, behind the router. `v4` and `v6` are its addresses."""

    def __init__(self, router, name, v4net, v6net, hosts):
        super().__init__(name)
        self.router = router
        self.v4net, self.v6net = ipaddress.ip_network(v4net), ipaddress.ip_network(v6net)
        self.v4 = [str(self.v4net[h]) for h in hosts]
        self.v6 = [str(self.v6net[h]) for h in hosts]
        self.sysctl(ipv6__conf__all__accept_dad=0, ipv6__conf__default__accept_dad=0,
                    ipv6__conf__default__accept_ra=0, ipv4__icmp_ratelimit=0,
                    ipv6__icmp__ratelimit=0)
        router.ip(f"link add {name} type veth peer name eth0",
                  f"link set eth0 netns {self.path}")
        self.configure_router()
        self.configure("eth0")

    def configure_router(self):
        """The router's end of the wire, which has the host's name."""
        self.router.ip(f"link set {self.name} up",
                       f"addr add {self.v4net[1]}/{self.v4net.prefixlen} dev {self.name}",
                       f"addr add {self.v6net[1]}/{self.v6net.prefixlen} dev {self.name} nodad")
        whole_checksums(self.router, self.name)

    def configure(self, device):
        """The host's end: its addresses, and routes by the router."""
        self.ip(f"link set {device} up",
                *(f"addr add {a}/{self.v4net.prefixlen} dev {device}" for a in self.v4),
                *(f"addr add {a}/{self.v6net.prefixlen} dev {device} nodad" for a in self.v6),
                f"route add default via {self.v4net[1]}", f"route add default via {self.v6net[1]}")
        whole_checksums(self, device)

    def address(self, family, index=0):
        return (self.v6 if family == socket.AF_INET6 else self.v4)[index]


class Lab:
    def __init__(self):
        self.router = Namespace("router")
        self.router.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                           ipv6__conf__all__accept_dad=0, ipv6__conf__default__accept_dad=0,
                           ipv4__icmp_ratelimit=0, ipv6__icmp__ratelimit=0)
        self.free = list(range(15, -1, -1))
        self.hosts = []
        self.make_hosts()

    def make_hosts(self):
        hosts = range(10, 20)
        self.client = Host(self.router, "client", "192.0.2.0/25", "2001:db8:1:1::/64", hosts)
        self.peer = Host(self.router, "peer", "203.0.113.0/24", "2001:db8:3::/64", hosts)
        # Two homes with one address each, as ICE agents like it.
        self.homes = [Host(self.router, f"home{n}", f"192.0.2.{128 + 16 * n}/28",
                           f"2001:db8:1:{2 + n}::/64", (2,)) for n in range(2)]
        # They don't reach each other, as behind NATs and firewalls.
        for version, homes in (("-4", "192.0.2.128/25"), ("-6", "2001:db8:1:2::/63")):
            self.router.run("ip", version, "rule", "add", "from", homes, "to", homes, "blackhole")
        self.hosts += [self.client, self.peer, *self.homes]

    def add_relay(self):
        """A fresh host for a server, with two addresses of each family."""
        number = self.free.pop()
        relay = Host(self.router, f"relay{number}", f"198.51.100.{16 * number}/28",
                     f"2001:db8:2:{number:x}::/64", (2, 3))
        relay.number, relay.wire, relay.xdp = number, None, None  # wire.py, xdp.py
        # Routed to the relay's network, but nobody's: what a cloud maps to a private address.
        relay.public4, relay.public6 = (f"198.51.100.{16 * number + 13}",
                                        f"2001:db8:2:{number:x}::d")
        return relay

    def remove_relay(self, relay):
        if relay.wire:
            relay.wire.close()
        self.router.run("ip", "link", "del", f"{relay.name}b", check=False,
                        stderr=subprocess.DEVNULL)
        # A TAP has gone with the process that made it.
        self.router.run("ip", "link", "del", relay.name, check=False, stderr=subprocess.DEVNULL)
        relay.close()
        self.free.append(relay.number)

    def close(self):
        for namespace in (*self.hosts, self.router):
            namespace.close()
