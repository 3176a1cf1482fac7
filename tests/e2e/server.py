# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Turnpike under test: the configuration, the launcher, the programs it started, turnpikectl."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import wire
import xdp
from wire import BUILD, REPOSITORY

DATAPLANE = os.environ.get("TURNPIKE_DATAPLANE", "sockets")
RAW = bool(os.environ.get("TURNPIKE_RAW"))  # sockets: whole frames leave by packet sockets
PORT = os.environ.get("TURNPIKE_PORT", "tap")  # of turnpike-dpdk: wire.py
DATAPLANE_PROGRAM = "turnpike-dpdk" if DATAPLANE == "dpdk" else "turnpike-kernel"
READY_SECONDS = 20
STOP_SECONDS = 10

USERS = [{"name": name, "password": "wonderland"} for name in ("alice", "bob", "carol")]
SECRETS = ["north wind", "south wind"]
# The lab's addresses are documentation's, which the policy takes for reserved.
ALLOWED_PEERS = ["192.0.2.0/24", "203.0.113.0/24", "2001:db8:1::/48", "2001:db8:3::/64"]
# Small, for many servers beside each other; the cores are everybody's, so idle workers sleep.
DPDK = {"exception": "tap", "huge_pages": False, "idle_polls": 50, "rx_ring": 1024,
        "tx_ring": 1024}


def wait_until(condition, seconds=READY_SECONDS, what="condition"):
    """Waits for what another process brings about; returns the first true value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def yaml_text(config):
    """YAML with a line for each key; JSON is the flow style of its values."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in config.items())


def life(pid):
    """(parent, start in clock ticks) of a process; None when it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (int(fields[1]), int(fields[19]))


def started(pid):
    """When a process started: a pid and this name a process for good."""
    return (life(pid) or (None, None))[1]


class Server:
    def __init__(self, host, **overrides):
        self.host = host
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="turnpike-e2e-"))
        self.config = {
            "listen": [f"{host.v4[0]}:3478", f"[{host.v6[0]}]:3478"],
            "relay": [host.v4[0], host.v6[0]],
            "ports": "49152-65535",
            "users": USERS,
            "secrets": SECRETS,
            "allow_peers": ALLOWED_PEERS,
            "dataplane": DATAPLANE,
            "limits": {"unauthenticated_per_second": 0,
                       "network_unauthenticated_per_second": 0},
            "control_socket": str(self.directory / "control.sock"),
        }
        self.config.update(overrides)
        if self.config["dataplane"] == "dpdk":
            host.wire = host.wire or wire.KINDS[PORT](host)
            self.config["dpdk"] = {"ports": [host.wire.port()], "eal": list(host.wire.eal),
                                   **host.wire.placement(), **DPDK,
                                   **overrides.get("dpdk", {})}
        if self.config["dataplane"] == "xdp":
            host.xdp = host.xdp or xdp.prepare(host)
            self.config["xdp"] = {**host.xdp, **overrides.get("xdp", {})}
        if self.config["dataplane"] == "sockets" and RAW:
            self.config.setdefault("sockets", {"raw": True})
        self.config = {k: v for k, v in self.config.items() if v is not None}
        self.file = self.directory / "turnpike.yaml"
        self.file.write_text(yaml_text(self.config), encoding="utf-8")
        self.file.chmod(0o600)
        self.log = []
        self.launcher = None

    def address(self, family):
        return self.host.address(family), 3478

    # Life.

    def start(self):
        """Starts a launcher and returns when it has said that it is ready."""
        ready = threading.Event()
        self.launcher = subprocess.Popen(
            self.host.command(BUILD / "turnpike", "run", "--config", self.file),
            cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace")
        threading.Thread(target=self._collect, args=(self.launcher, ready), daemon=True).start()
        deadline = time.monotonic() + READY_SECONDS
        while not ready.wait(0.05):
            assert self.launcher.poll() is None, self.report("the launcher ended")
            assert time.monotonic() < deadline, self.report("not ready")
        if self.host.wire:
            assert self.host.wire.plumbed.wait(READY_SECONDS), self.report(
                f"no exception interface: {self.host.wire.failure}")
        return self

    def _collect(self, launcher, ready):
        for line in launcher.stdout:
            self.log.append(line.rstrip("\n"))
            if line.strip() == "turnpike: ready":
                ready.set()

    def report(self, what="log"):
        return f"{what}\n{yaml_text(self.config)}\n" + "\n".join(self.log[-200:])

    def processes(self):
        """{program: pid} of everything that runs in the server's namespace."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                if os.stat(f"/proc/{entry}/ns/net").st_ino != self.host.inode:
                    continue
                program = os.path.basename(os.readlink(f"/proc/{entry}/exe"))
            except OSError:
                continue
            if program.startswith("turnpike") and (alive := life(entry)):
                found.setdefault(program, {})[int(entry)] = alive[0]
        for program, pids in found.items():
            # A child between fork and exec is not a program yet.
            found[program] = [pid for pid, parent in pids.items() if parent not in pids]
            assert len(found[program]) == 1, f"several of {program}: {found[program]}"
        return {program: pids[0] for program, pids in found.items()}

    def kill(self, program):
        """kill -9; returns when the process is gone."""
        pid = self.processes()[program]
        birth = started(pid)
        os.kill(pid, signal.SIGKILL)
        if self.launcher and pid == self.launcher.pid:
            self.launcher.wait(STOP_SECONDS)
        wait_until(lambda: started(pid) != birth, what=f"end of {program}")
        return pid

    def restarted(self, program, pid):
        """Waits for the next life of a program."""
        return wait_until(lambda: self.processes().get(program) not in (None, pid),
                          what=f"restart of {program}")

    def stop(self):
        """SIGTERM: exit status 0, and nothing left of it."""
        self.launcher.send_signal(signal.SIGTERM)
        try:
            status = self.launcher.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.report("still there after SIGTERM")) from None
        assert status == 0, self.report(f"exit status {status}")
        assert not self.processes(), self.report(f"left over: {self.processes()}")
        assert not os.path.exists(self.config["control_socket"]), "the control socket is left over"
        self.launcher = None

    def end(self):
        """Ends whatever still runs, however the test went."""
        for pid in list(self.processes().values()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.launcher:
            self.launcher.kill()
            self.launcher.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    # What turnpikectl says.

    def ctl(self, *words):
        done = self.host.run(BUILD / "turnpikectl", "--socket", self.config["control_socket"],
                             *words, "--json", capture_output=True, text=True)
        return json.loads(done.stdout)

    def counters(self):
        """{name: sum over workers}, the control plane's own among them."""
        pages = self.ctl("counters", "--all")
        total = dict(pages["control"])
        for worker in pages["workers"] + [pages["program"]]:
            for name, value in worker.items():
                total[name] = total.get(name, 0) + value
        return total

    def expect_count(self, name, at_least):
        wait_until(lambda: self.counters().get(name, 0) >= at_least, 5,
                   f"{name} >= {at_least}, is {self.counters().get(name)}")


@contextlib.contextmanager
def running(lab, of_host=lambda host: {}, **config):
    """A server on a host of its own, for several tests. `of_host`: what of the configuration its host decides."""
    relay = lab.add_relay()
    it = Server(relay, **config, **of_host(relay))
    try:
        yield it.start()
        it.stop()
    finally:
        it.end()
        lab.remove_relay(relay)


def answers(client):
    """Waits until Binding requests are answered."""
    client.sock.settimeout(0.1)

    def asked():
        try:
            return client.binding()
        except (TimeoutError, ConnectionRefusedError):
            return None
    wait_until(asked, what="an answer to a Binding request")
    client.sock.settimeout(5)
    # Answers come in order: behind this one none is late.
    client.binding()
    client.inbox.clear()


FAMILIES = {"v4": socket.AF_INET, "v6": socket.AF_INET6}
