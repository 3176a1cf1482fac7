#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""turnpike-dpdk beside dpdk-testpmd over ports of shared memory: net_memif, and virtio-user with vhost.

Two processes on two cores: what forwards, on the second CPU, and turngun, on the first, which sends,
and checks and times all that comes back. The relay is a whole one: turnpike, its control plane and its
dataplane; turngun's clients allocate and bind their channels through the port. The others forward the
same frames without a look at what is in them (io), with MAC addresses (macswap), or addresses and
ports (5tswap) exchanged.

All stand side by side, each with a turngun of its own; the one in turn runs, the others are stopped.
Packets a second are what comes back of as much as the device takes, on the whole and in the best 5 ms,
when nothing else had either CPU; latency is from when a packet was meant to leave, at a pace that all
can keep. Reported beside them are the gaps in which each CPU ran something else (on a shared machine
they are most of the tail), and what turngun does without a wire: a rate near that is turngun's.

    wire_bench.py [--json] [--rounds N] [--seconds S] [--allocations N] [--pps N] [memif|vhost]...
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TURNPIKE_BUILD", REPOSITORY / "build-perf")).resolve()
sys.path.insert(0, str(REPOSITORY / "tests/e2e"))

import lab  # noqa: E402

SERVER, CLIENT, PEER = "192.0.2.1", "192.0.2.10", "192.0.2.20"
PORT = 3478
DATA = 172  # bytes of application data: 20 ms of Opus in SRTP
SHARES = ("p50", "p90", "p99", "p99.9")
MODES = ("io", "macswap", "5tswap")
WAYS = ("to peer", "to client")
EAL = ("--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "--log-level=critical", "-m")
RATE_SECONDS, LATENCY_SECONDS, GAPS_SECONDS = 0.25, 0.5, 0.25
READY_SECONDS = 20


def cpus():
    return sorted(os.sched_getaffinity(0))


def wait_until(condition, what):
    deadline = time.monotonic() + READY_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {READY_SECONDS} s: {what}"
        time.sleep(0.01)
    return value


class Memif:
    name = "memif"
    eal = ()

    @staticmethod
    def near(path, number):
        return (f"net_memif0,role=server,id={number},socket={path},socket-abstract=no,"
                f"mac={near_mac(number)}")

    @staticmethod
    def far(path, number):
        return f"net_memif0,role=client,id={number},socket={path},socket-abstract=no,mac={mac(number)}"


class Vhost:
    name = "vhost"
    eal = ("--single-file-segments",)

    @staticmethod
    def near(path, number):
        return f"net_vhost0,iface={path}"

    @staticmethod
    def far(path, number):
        return f"net_virtio_user0,path={path},queue_size=1024,mac={mac(number)}"


def mac(number):
    return f"02:00:00:00:00:{number:02x}"


def near_mac(number):
    return f"02:00:00:00:01:{number:02x}"


class Forwarder:
    """A process that forwards, stopped unless it is its turn, and the turngun at its other end."""

    def __init__(self, name, number, load_host, wires, path):
        self.name, self.number = name, number
        self.host, self.wires, self.path = load_host, wires, path
        self.pid, self.gun = None, None

    def listen(self, command, *more):
        """turngun makes the socket; what forwards comes to it."""
        self.gun = subprocess.Popen(
            self.host.command(
                BUILD / "perf/turngun/turngun", command, "--wire", self.wires.near(self.path, self.number),
                "--cpu", cpus()[0], "--client", f"{CLIENT}:10000", "--peer", f"{PEER}:10000",
                "--sizes", DATA, "--trials", "--json", "--warm-up", "0.02", *more, "--", *EAL, "256"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "TURNGUN_PASSWORD": "wonderland"})
        wait_until(lambda: self.gun.poll() is not None or self.path.exists(), "turngun's socket")
        # turnpike-dpdk's user is another.
        self.path.chmod(0o777)

    def answer(self):
        line = self.gun.stdout.readline()
        assert line, f"turngun has ended ({self.name})"
        return json.loads(line)

    def trial(self, way, seconds, rate="max"):
        self.gun.stdin.write(f"rate={rate} seconds={seconds} direction={way.replace(' ', '-')}\n")
        self.gun.stdin.flush()
        return self.answer()["load"]

    def account(self):
        """What it says about the frames that did not come back."""

    def stop(self):
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    def close(self):
        if self.gun:
            self.gun.kill()
            self.gun.wait()


class Testpmd(Forwarder):
    def __init__(self, mode, number, host, load_host, wires, path, allocations):
        super().__init__(f"testpmd {mode}", number, load_host, wires, path)
        self.listen("ceiling", "--clients", allocations, "--peers", allocations)
        # Its end of stdin would be its end. A session of its own, as the relay's programs have:
        # the scheduler shares a CPU out to sessions.
        # Killed with this program: one that is stopped would not see a gentler signal.
        self.process = subprocess.Popen(
            host.command("setpriv", "--pdeathsig", "KILL", "dpdk-testpmd", *EAL, "512", *wires.eal, "--lcores", lcores(),
                         "--vdev", wires.far(path, number), "--", f"--forward-mode={mode}",
                         "--nb-cores=1", "--port-topology=loop", "--disable-link-check",
                         "--rxd=512", "--txd=512", "--total-num-mbufs=8192"),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        self.pid = self.process.pid
        self.answer()  # there is nothing to set up
        wait_until(lambda: self.trial("both", 0.01)["total"]["received"], self.name)

    def close(self):
        super().close()
        self.go_on()
        self.process.kill()
        self.process.wait()


def lcores():
    return ",".join(f"{i}@{cpu}" for i, cpu in enumerate(cpus()[:2]))


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return list(map(int, file.read().split()))


class Relay(Forwarder):
    def __init__(self, number, host, load_host, wires, path, directory, allocations):
        super().__init__("turnpike", number, load_host, wires, path)
        self.relay_host, self.control = host, directory / "control"
        config = {
            "listen": [f"{SERVER}:{PORT}"], "relay": [SERVER],
            "users": [{"name": "alice", "password": "wonderland"}],
            "allow_peers": ["192.0.2.0/24"], "control_socket": str(self.control),
            "limits": {"allocations": allocations, "unauthenticated_per_second": 0},
            "dataplane": "dpdk",
            "dpdk": {"ports": [wires.far(path, number)], "exception": "tap", "workers": 1,
                     "huge_pages": False, "idle_polls": 0, "eal": list(wires.eal)},
        }
        file = directory / "turnpike.yaml"
        file.write_text("".join(f"{k}: {json.dumps(v)}\n" for k, v in config.items()))
        file.chmod(0o600)
        self.log = directory / "log"
        self.listen("load", "--user", "alice", "--clients", allocations, "--peers", allocations,
                    f"{SERVER}:{PORT}")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                host.command(BUILD / "turnpike", "run", "--config", file),
                cwd=directory, stdout=log, stderr=log)
        wait_until(self._ready, "turnpike: ready")
        self.pid = next(pid for pid in children(self.process.pid)
                        if os.readlink(f"/proc/{pid}/exe").endswith("turnpike-dpdk"))
        # Neighbours for good: between trials nobody would answer the kernel's ARP.
        host.ip("link set tp0 up", f"addr add {SERVER}/24 dev tp0",
                *(f"neigh replace {ip} lladdr {near_mac(number)} dev tp0 nud permanent"
                  for ip in (CLIENT, PEER)))
        made = self.answer()["setup"]["bind"]["made"]
        assert made == allocations, (made, allocations)

    def _ready(self):
        said = self.log.read_text(encoding="utf-8")
        assert self.process.poll() is None, said
        return "turnpike: ready" in said

    def account(self):
        return {name: n for name, n in self.counters().items() if n}

    def counters(self):
        said = self.relay_host.run(BUILD / "turnpikectl", "--socket", self.control, "counters", "--all",
                                   "--json", capture_output=True, text=True).stdout
        return json.loads(said)["workers"][0]

    def close(self):
        super().close()
        self.go_on()
        self.process.terminate()
        self.process.wait()


def measure(forwarder, pps):
    """{"pps to peer": {...}, "latency to peer": {...}, ...}"""
    found = {}
    forwarder.go_on()
    for way in WAYS:
        for what, trial in (("pps", forwarder.trial(way, RATE_SECONDS)),
                            ("latency", forwarder.trial(way, LATENCY_SECONDS, pps))):
            total = trial["total"]
            assert total["received"] and not total["corrupt"] + total["misdelivered"], (
                forwarder.name, what, total, forwarder.account())
            found[f"{what} {way}"] = {
                "pps": total["received_pps"], "best_pps": trial["best_received_pps"],
                "sent": total["sent"], "received": total["received"],
                **{p: total["latency_us"][p] for p in SHARES}}
    forwarder.stop()
    return found


def turngun(*words):
    done = subprocess.run([str(w) for w in (BUILD / "perf/turngun/turngun", *words)], capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)


def gaps():
    """Of both CPUs."""
    return [turngun("gaps", "--cpu", cpu, "--seconds", GAPS_SECONDS, "--json")["gaps"]
            for cpu in cpus()[:2]]


def without_wire(allocations):
    """What turngun can, each way."""
    return {way: turngun("ceiling", "--wire", "loop", "--cpu", cpus()[0], "--clients", allocations, "--peers",
                         allocations, "--sizes", DATA, "--seconds", RATE_SECONDS, "--direction",
                         way.replace(" ", "-"), "--json", "--", *EAL, "256")
            ["load"]["total"]["received_pps"] for way in WAYS}


def run(wires, options, directory, until):
    """[(forwarder's name, [what each round found])], the rounds' gaps, and turngun's rates without a wire."""
    relay_host, load_host = lab.Namespace("relay"), lab.Namespace("load")
    everything = []
    ends = directory / "wires"
    ends.mkdir()
    ends.chmod(0o777)  # net_memif asks that it may write there
    try:
        everything.append(Relay(0, relay_host, load_host, wires, ends / "wire0", directory,
                                options.allocations))
        everything[-1].stop()
        for number, mode in enumerate(MODES, 1):
            everything.append(Testpmd(mode, number, relay_host, load_host, wires, ends / f"wire{number}",
                                      options.allocations))
            everything[-1].stop()
        rounds, between, alone = {f.name: [] for f in everything}, [], []
        # The first warms up.
        for k in range(options.rounds + 1):
            if k > 1 and time.monotonic() > until:
                break
            between.append(gaps())
            alone.append(without_wire(options.allocations))
            for forwarder in everything:
                rounds[forwarder.name].append(measure(forwarder, options.pps))
            print(f"\rwire_bench: {wires.name}: round {k} of {options.rounds}", end="", file=sys.stderr,
                  flush=True)
        print(file=sys.stderr)
        relay = everything[0]
        counted = relay.counters()
        for name, way in (("relayed_to_peer", "to peer"), ("relayed_to_client", "to client")):
            came = sum(one[f"{what} {way}"]["received"] for one in rounds[relay.name]
                       for what in ("pps", "latency"))
            assert counted[name] >= came, (name, counted[name], came)
        return {name: found[1:] for name, found in rounds.items()}, between[1:], alone[1:]
    finally:
        for one in reversed(everything):
            one.close()
        relay_host.close()
        load_host.close()


def spread(values, form):
    values = sorted(values)
    return (f"{statistics.median(values):{form}} "
            f"({values[0]:{form}} to {values[-1]:{form}})")


def report(wires, rounds, between, alone, options):
    print(f"{wires.name}: {options.allocations} allocations, {DATA} bytes of data, medians (and "
          f"extremes) of {len(between)} rounds")
    for n, cpu in enumerate(("turngun's", "forwarder's")):
        print(f"  gaps of the {cpu} CPU: longest "
              f"{spread([b[n]['longest_us'] for b in between], '.0f')} us, lost "
              f"{spread([b[n]['lost_percent'] for b in between], '.1f')} %")
    print("  Mpps")
    for way in WAYS:
        print(f"  {way:9} {'turngun alone':15} {spread([one[way] / 1e6 for one in alone], '.2f')}")
        for name, found in rounds.items():
            rate, best = ([(one[f"pps {way}"][what] or 0) / 1e6 for one in found]
                          for what in ("pps", "best_pps"))
            print(f"  {way:9} {name:15} {spread(rate, '.2f')}   in the best 5 ms of each round "
                  f"{spread(best, '.2f')}")
    print(f"  latency at {options.pps / 1e3:.0f} kpps, us")
    for way in WAYS:
        of = {name: [one[f"latency {way}"] for one in found] for name, found in rounds.items()}
        for name, found in of.items():
            lost = sum(one["sent"] - one["received"] for one in found)
            print(f"  {way:9} {name:15} {shares(found)}   lost {lost} of "
                  f"{sum(one['sent'] for one in found)}")
        above = [{p: a[p] - b[p] for p in SHARES}
                 for a, b in zip(of["turnpike"], of["testpmd io"])]
        print(f"  {way:9} {'above io':15} {shares(above)}")


def shares(found):
    return "   ".join(f"{p} {spread([one[p] for one in found], '.1f')}" for p in SHARES)


def main():
    parser = argparse.ArgumentParser(description="turnpike-dpdk beside dpdk-testpmd")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0,
                        help="after which no further round begins, of all wires together")
    parser.add_argument("--allocations", type=int, default=1000)
    parser.add_argument("--pps", type=int, default=100000)
    parser.add_argument("wires", nargs="*", choices=["memif", "vhost", []], default=[])
    options = parser.parse_args()
    if os.geteuid() != 0 or len(os.sched_getaffinity(0)) < 2:
        sys.exit("wire_bench takes root, for its network namespaces, and two CPUs.")
    everything = {}
    until = time.monotonic() + options.seconds if options.seconds else float("inf")
    for wires in (Memif, Vhost):
        if options.wires and wires.name not in options.wires:
            continue
        directory = pathlib.Path(tempfile.mkdtemp(prefix="turnpike-wire-"))
        directory.chmod(0o711)
        try:
            rounds, between, alone = run(wires, options, directory, until)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        everything[wires.name] = {"rounds": rounds, "gaps": between, "without a wire": alone}
        if not options.json:
            report(wires, rounds, between, alone, options)
    if options.json:
        json.dump(everything, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
