# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""TURN servers under test. To add one: a class with these methods, in KINDS. README.md has an example."""

import importlib.util
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from harness import machine, network, turngun
from harness.programs import Unmeasured, last_words

READY_SECONDS = 20
BESIDE = 200  # descriptors of a program that are no allocation's
BINDING = bytes.fromhex("0001000c2112a442") + bytes(12)


class Server:
    """One server on a wire of its own. allocations: how many it must have room for."""

    name = ""
    load = "load"  # what turngun does with it
    socket_each = True  # an allocation takes a descriptor
    only_relays = False  # in its own way: in all else it is another one here

    def __init__(self, build, allocations=2000):
        self.build, self.allocations = build, allocations
        self.wire = network.Wire(self.name.replace(" ", "-"), allocations)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="turnpike-perf-"))
        self.log = self.directory / "log"
        self.process = None

    @classmethod
    def unavailable(cls, build):
        """Why this server can't be measured here; empty: it can."""
        raise NotImplementedError

    @classmethod
    def most(cls, asked):
        """(How many allocations of those that are asked for it can have at the same time here, and why
        not all of them.)"""
        limit = machine.descriptors()
        if not cls.socket_each or asked <= limit - BESIDE:
            return asked, ""
        return limit - BESIDE, (f"each allocation takes a descriptor, of which a program has {limit:,} at most "
                                "here: it takes CAP_SYS_RESOURCE to raise that, or fs.nr_open.")

    def command(self):
        """What starts it, having written its configuration."""
        raise NotImplementedError

    def started(self):
        """After it began: what it needs to be reached."""

    def programs(self):
        """{name: pid} of those that recovery kills, one at a time."""
        return {}

    def restarted(self, program, pid):
        """Waits for the next life of a program that was killed, and does what a host's hooks do."""
        deadline = time.monotonic() + READY_SECONDS
        while self.programs().get(program) in (None, pid):
            if time.monotonic() > deadline:
                raise Unmeasured(f"{program} was not restarted.")
            time.sleep(0.002)

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.wire.server.command("taskset", "-c", network.server_cpu(), *self.command()),
                cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.started()
        self.answers()
        return self

    def answers(self):
        """Waits until a Binding request is answered."""
        sock = self.wire.gun.udp(network.KERNEL_CLIENT)
        sock.settimeout(0.1)
        deadline = time.monotonic() + READY_SECONDS
        request = BINDING[:2] + b"\0\0" + BINDING[4:8] + os.urandom(12)
        try:
            while time.monotonic() < deadline:
                if self.process.poll() is not None:
                    raise Unmeasured(f"{self.name} ended: {self.last_words()}")
                sock.sendto(request, (network.SERVER, network.PORT))
                try:
                    if sock.recv(2000)[8:20] == request[8:20]:
                        return
                except (TimeoutError, ConnectionRefusedError):
                    continue
        finally:
            sock.close()
        raise Unmeasured(f"{self.name} did not answer within {READY_SECONDS} s: {self.last_words()}")

    def last_words(self):
        return last_words(self.log.read_text(encoding="utf-8", errors="replace"))

    def _signal(self, number):
        for pid in self.wire.processes():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def pause(self):
        """It is another's turn."""
        self._signal(signal.SIGSTOP)

    def go_on(self):
        self._signal(signal.SIGCONT)

    def memory(self):
        """Bytes of all its programs: shared pages are shared out (Pss)."""
        total = 0
        for pid in self.wire.processes():
            try:
                text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in text.splitlines()
                         if line.startswith("Pss:")) * 1024
        return total

    def mac(self):
        """Of the server's end of the wire."""
        said = self.wire.server.run("ip", "-j", "link", "show", "eth0", capture_output=True,
                                    text=True).stdout
        return json.loads(said)[0]["address"]

    def close(self):
        self._signal(signal.SIGKILL)
        if self.process:
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.wire.close()


# Limits of what one address, network or user may do: here all come from one.
NOT_OF_ONE = {"unauthenticated_per_second": 0, "network_unauthenticated_per_second": 0,
              "new_peers_per_second": 0, "user_new_peers_per_second": 0}


class Turnpike(Server):
    dataplane, program = "sockets", "turnpike-kernel"
    name = "turnpike sockets"

    @classmethod
    def unavailable(cls, build):
        for program in ("turnpike", "turnpike-control", cls.program):
            if not (build / program).exists():
                return f"{program} was not built."
        return ""

    def configuration(self):
        return {
            "listen": [f"{network.SERVER}:{network.PORT}"],
            "relay": self.wire.relays, "ports": "4096-65535",
            "users": [{"name": turngun.USER, "password": turngun.PASSWORD}],
            "allow_peers": [network.NETWORK], "dataplane": self.dataplane,
            "workers": 1,  # on one CPU, as coturn has one thread that relays
            "control_socket": str(self.directory / "control"),
            "limits": {"allocations": self.allocations, **NOT_OF_ONE},
        }

    def command(self):
        file = self.directory / "turnpike.yaml"
        file.write_text("".join(f"{k}: {json.dumps(v)}\n" for k, v in self.configuration().items()),
                        encoding="utf-8")
        file.chmod(0o600)
        return self.build / "turnpike", "run", "--config", file

    def started(self):
        deadline = time.monotonic() + READY_SECONDS
        while "turnpike: ready" not in self.log.read_text(encoding="utf-8", errors="replace"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Unmeasured(f"{self.name} did not start: {self.last_words()}")
            time.sleep(0.02)

    def programs(self):
        found = {}
        for pid in self.wire.processes():
            try:
                program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
            except OSError:  # it has ended
                continue
            if program.startswith("turnpike"):
                found[program] = pid
        return found


class TurnpikeRaw(Turnpike):
    """turnpike-kernel that sends by packet sockets."""
    name = "turnpike raw"
    only_relays = True

    def configuration(self):
        return {**super().configuration(), "sockets": {"raw": True}}


class TurnpikeDpdk(Turnpike):
    dataplane, program = "dpdk", "turnpike-dpdk"
    name = "turnpike dpdk"
    socket_each = False
    exception = 0  # the exception interface's index, which no later one has

    def configuration(self):
        # All of the port is turnpike-dpdk's; the kernel's addresses move to its exception interface.
        self.wire.server.ip("addr flush dev eth0")
        return {**super().configuration(),
                "dpdk": {"ports": ["net_af_xdp0,iface=eth0"], "exception": "tap",
                         "huge_pages": False,
                         # A worker that only polled would keep the CPU from the kernel, which
                         # brings the frames to AF_XDP.
                         "idle_polls": 64}}

    def started(self):
        super().started()
        self._address()

    def _address(self):
        """Gives the exception interface, which comes and goes with its process, the wire's addresses."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._addressed():
            if time.monotonic() > deadline:
                raise Unmeasured("no exception interface came.")
            time.sleep(0.002)

    def _addressed(self):
        """Not the former one, which stays for a while, nor one that DPDK only tries."""
        index = self._index()
        if index in (0, self.exception):
            return False
        lines = "\n".join(("link set tp0 up", *self.wire.addresses("tp0")))
        done = self.wire.server.run("ip", "-batch", "-", input=lines, text=True, check=False,
                                    stderr=subprocess.DEVNULL)
        if done.returncode or self._index() != index:
            return False
        self.exception = index
        return True

    def _index(self):
        """Of tp0; 0: there is none."""
        said = self.wire.server.run("ip", "-j", "link", "show", "tp0", check=False, capture_output=True,
                                    text=True).stdout
        return json.loads(said)[0]["ifindex"] if said.strip() else 0

    def restarted(self, program, pid):
        super().restarted(program, pid)
        if program == self.program:
            self._address()


class TurnpikeXdp(Turnpike):
    dataplane = "xdp"
    name = "turnpike xdp"

    @classmethod
    def unavailable(cls, build):
        why = super().unavailable(build)
        return why or ("" if _takes_xdp(build) else "this turnpike has no XDP dataplane.")

    def configuration(self):
        # A veth takes frames of XDP in native mode once it polls: turngun's own program comes later.
        self.wire.gun.run("ethtool", "-K", "gun0", "gro", "on")
        return {**super().configuration(), "xdp": {"mode": "native"}}


def _takes_xdp(build):
    """Whether the configuration knows such a dataplane: `turnpike check` says."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write('listen: ["192.0.2.1:3478"]\nrelay: ["192.0.2.1"]\ndataplane: xdp\n'
                   'users: [{"name": "a", "password": "b"}]\n')
        file.flush()
        try:
            return subprocess.run([build / "turnpike", "check", "--config", file.name], capture_output=True,
                                  check=False, timeout=10).returncode == 0
        except OSError:
            return False


class Coturn(Server):
    name = "coturn"

    @classmethod
    def unavailable(cls, build):
        return "" if shutil.which("turnserver") else "coturn is not installed."

    def command(self):
        return ("turnserver", "-n", "--listening-ip", network.SERVER, "--listening-port", network.PORT,
                "--relay-ip", network.SERVER, "--min-port", "4096", "--max-port", "65535",
                "--lt-cred-mech", "--user", f"{turngun.USER}:{turngun.PASSWORD}", "--realm", "perf",
                "--no-cli", "--no-tls", "--no-dtls", "--no-software-attribute", "--log-file", "stdout",
                "--no-stdout-log", "--simple-log", "--pidfile", self.directory / "pid",
                "--db", self.directory / "db", "--relay-threads", "1")


class Reflector(Server):
    """No server: the driver sends back what comes, with addresses exchanged. What the generator makes of
    this is the most that it can show of any server on such a wire."""

    name, load = "ceiling", "ceiling"

    def start(self):
        program = self.build / "perf/bench/xdp_load.bpf.o"
        if not program.exists():
            raise Unmeasured("xdp_load.bpf.o was not built.")
        done = self.wire.server.run("ip", "link", "set", "eth0", "xdpdrv", "obj", program, "program", "bare",
                                    check=False, capture_output=True, text=True)
        if done.returncode:
            raise Unmeasured(f"no program that sends back: {last_words(done.stderr)}")
        return self


KINDS = [Turnpike, TurnpikeRaw, TurnpikeXdp, TurnpikeDpdk, Coturn]


def add(path):
    """A file with classes of other servers (README.md): each that has a name is one more."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for kind in vars(module).values():
        if isinstance(kind, type) and issubclass(kind, Server) and kind.__module__ == path.stem:
            KINDS.append(kind)


def available(context, relaying=False):
    """Those that can be measured here; the others are reported as missing. Some are servers of their own
    only where it is `relaying` that is measured."""
    found = []
    for kind in KINDS:
        if kind.only_relays and not relaying:
            continue
        if why := kind.unavailable(context.build):
            context.missing(kind.name, why)
        else:
            found.append(kind)
    return found
