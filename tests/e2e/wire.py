# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""How a host is wired when turnpike-dpdk drives its port.

`tap`: turnpike-dpdk makes the wire, a TAP device, whose kernel side is moved to the router and takes
the place of the veth's end there. `af_xdp`: the veth stays, and an AF_XDP socket takes all that its
end in the relay's namespace receives. `memif` and `vhost`: the TAP is another program's (nic.c),
which plays a NIC with several queues over shared memory; turnpike-dpdk has the other end of those.

Either way turnpike-dpdk makes the exception interface, which stays with the relay and gets its
addresses and routes. All of this goes with the process and comes again with the next: a thread
looks after it, as a hook of udev or systemd does on a host.
"""

import fcntl
import os
import pathlib
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TURNPIKE_BUILD", REPOSITORY / "build")).resolve()
WORKERS = int(os.environ.get("TURNPIKE_WORKERS", "1"))
# Of relay ports: every, bits, rss, or astray, which is owners by bits and a NIC that always errs.
PLACEMENT = os.environ.get("TURNPIKE_PLACEMENT", "every")
RSS_KEY = ("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b4"
           "77cb2da38030f20c6a42b73bbeac01fa")  # nic.c's
EXCEPTION = "tp0"
WIRE = "wire0"
QUEUE = 10000  # packets
RTMGRP_LINK = 1
SIOCGIFFLAGS, SIOCGIFINDEX = 0x8913, 0x8933
IFF_UP = 1


def patient(namespace, device):
    """Has neighbours asked for often, and long: the other end of the wire is about to come up."""
    namespace.sysctl(**{f"{ip}__neigh__{device}__{name}": value for ip in ("ipv4", "ipv6")
                        for name, value in (("retrans_time_ms", 50), ("mcast_solicit", 100))})


class Wire:
    """The wire of one host; `plumbed` is set while everything is in place."""

    def __init__(self, host):
        self.host = host
        self.plumbed = threading.Event()
        self.failure = None
        self.seen = 0  # index of the exception interface that was plumbed last
        self.changes = host.run_inside(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW,
                                       socket.NETLINK_ROUTE)
        self.changes.bind((0, RTMGRP_LINK))
        self.asking = host.run_inside(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        self.over = os.eventfd(0)
        self.prepare()
        self.thread = threading.Thread(target=self._watch, name=f"wire of {host.name}",
                                       daemon=True)
        self.thread.start()

    eal = ()  # arguments that turnpike-dpdk's EAL needs for such a port

    @staticmethod
    def placement():
        """The configuration of workers, and of who owns a relay port."""
        if PLACEMENT == "every":
            return {"workers": WORKERS, "placement": "every"}
        if PLACEMENT == "rss":
            return {"workers": WORKERS, "placement": "owner", "steering": "rss",
                    "rss_key": RSS_KEY, "rss_hash": "destination-port"}
        return {"workers": WORKERS, "placement": "owner", "steering": "bits"}

    def port(self):
        """The port as turnpike-dpdk is told of it."""
        raise NotImplementedError

    def prepare(self):
        """Before turnpike-dpdk has ever run here."""

    def ready(self):
        """Whether turnpike-dpdk has started what it made."""
        return self.is_up(EXCEPTION)

    def plumb(self):
        patient(self.host, EXCEPTION)
        self.host.configure(EXCEPTION)

    def is_up(self, device):
        return bool(self._ask(SIOCGIFFLAGS, device) & IFF_UP)

    def index(self, device):
        return self._ask(SIOCGIFINDEX, device)

    def _ask(self, what, device):
        """The interface's flags or index; 0: there is none."""
        try:
            answer = fcntl.ioctl(self.asking, what, struct.pack("16s24x", device.encode()))
        except OSError:
            return 0
        return struct.unpack_from("i" if what == SIOCGIFINDEX else "H", answer, 16)[0]

    def _watch(self):
        while True:
            readable = select.select([self.changes, self.over], [], [])[0]
            if self.over in readable:
                return
            try:
                self.changes.recv(1 << 16)
            except OSError:  # ENOBUFS: some news were lost, so look
                pass
            try:
                self._look()
            except Exception as error:  # for the test that waits, not for this thread
                self.failure = error

    def _look(self):
        index = self.index(EXCEPTION)
        if index != self.seen:
            self.plumbed.clear()
        if index and not self.plumbed.is_set() and self.ready():
            self.plumb()
            self.seen = index
            self.plumbed.set()

    def close(self):
        os.eventfd_write(self.over, 1)
        self.thread.join()
        self.changes.close()
        self.asking.close()
        os.close(self.over)


class Tap(Wire):
    def port(self):
        # A NIC has the same address after a restart.
        return f"net_tap0,iface={WIRE},mac=02:00:00:00:{self.host.number:02x}:10"

    def prepare(self):
        self.host.router.ip(f"link del {self.host.name}")

    def ready(self):
        # Started, both: turnpike-dpdk can't find the wire any more once it has moved.
        return super().ready() and self.is_up(WIRE)

    def plumb(self):
        self.host.ip(f"link set {WIRE} netns {self.host.router.path} name {self.host.name}")
        # As a wire's other end: what waits while turnpike-dpdk has no turn on the CPU isn't lost.
        self.host.router.ip(f"link set {self.host.name} txqueuelen {QUEUE}")
        patient(self.host.router, self.host.name)
        self.host.configure_router()
        super().plumb()


class AfXdp(Wire):
    def port(self):
        return "net_af_xdp0,iface=eth0"

    def prepare(self):
        # It receives nothing of its own, and must say nothing either.
        self.host.ip("addr flush dev eth0")
        self.host.sysctl(ipv6__conf__eth0__disable_ipv6=1)


class Nic(Wire):
    """A NIC of shared memory, which outlives turnpike-dpdk as a real one does."""

    EAL = ("--no-huge", "--no-shconf", "-m", "256")  # of the program that plays it

    def __init__(self, host):
        self.queues = WORKERS
        way = "bits" if PLACEMENT == "every" else PLACEMENT
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="turnpike-nic-"))
        self.socket = self.directory / "nic.sock"
        self.command = (BUILD / "tests/e2e/nic", way, WORKERS, self.far(),
                        f"net_tap0,iface={WIRE}", *self.EAL)
        super().__init__(host)

    def far(self):
        """The NIC's own end, as DPDK's drivers call it."""
        raise NotImplementedError

    def mac(self):
        return f"mac=02:00:00:00:{self.host.number:02x}:10"

    def prepare(self):
        router = self.host.router
        router.ip(f"link del {self.host.name}")
        self.nic = subprocess.Popen(self.host.command(*self.command), stdout=subprocess.PIPE)
        assert self.nic.stdout.readline() == b"ready\n", "the NIC does not start"
        # For turnpike-dpdk's user.
        self.directory.chmod(0o777)  # net_memif asks that it may write there
        if self.socket.exists():
            self.socket.chmod(0o666)
        self.host.ip(f"link set {WIRE} netns {router.path} name {self.host.name}")
        router.ip(f"link set {self.host.name} txqueuelen {QUEUE}")
        patient(router, self.host.name)
        self.host.configure_router()

    def close(self):
        super().close()
        self.nic.terminate()
        self.nic.wait()
        self.nic.stdout.close()
        shutil.rmtree(self.directory)


class Memif(Nic):
    def far(self):
        return f"net_memif0,role=server,socket={self.socket},socket-abstract=no"

    def port(self):
        return f"net_memif0,role=client,socket={self.socket},socket-abstract=no,{self.mac()}"


class Vhost(Nic):
    eal = ("--single-file-segments",)  # its memory is shared, so it has to be files

    def far(self):
        return f"net_vhost0,iface={self.socket},queues={self.queues}"

    def port(self):
        return (f"net_virtio_user0,path={self.socket},queues={self.queues},queue_size=1024,"
                f"{self.mac()}")


KINDS = {"tap": Tap, "af_xdp": AfXdp, "memif": Memif, "vhost": Vhost}
