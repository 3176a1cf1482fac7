#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""turnpike-dpdk beside dpdk-testpmd over ports of shared memory: net_memif, and virtio-user with vhost.

Two processes on two cores: what forwards, on the second CPU, and wire_load, on the first, which sends
frames, and counts and times those that come back. The relay is a whole one: turnpike, its control plane
and its dataplane; clients allocate and bind their channels through the port. The others forward the
same frames without a look at what is in them (io), with MAC addresses (macswap), or addresses and
ports (5tswap) exchanged.

All stand side by side; the one in turn runs, the others are stopped. Packets a second are what comes
back of as much as the device takes, on the whole and in the best 5 ms, when nothing else had either
CPU; latency is from when a frame was meant to leave, at a pace that all
can keep. Reported beside them are the gaps in which each CPU ran something else: on a shared machine
they are most of the tail.

    wire_bench.py [--json] [--rounds N] [--allocations N] [--pps N] [memif|vhost]...
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TURNPIKE_BUILD", REPOSITORY / "build-perf")).resolve()
sys.path.insert(0, str(REPOSITORY / "tests/e2e"))

import frames  # noqa: E402
import lab  # noqa: E402
import turn  # noqa: E402

SERVER, CLIENT, PEER = ("192.0.2.1", 3478), "192.0.2.10", "192.0.2.20"
CHANNEL = 0x4000
DATA = 172  # bytes of application data: 20 ms of Opus in SRTP
HEADERS = 42
SHARES = ("p50", "p90", "p99", "p99.9")
MODES = ("io", "macswap", "5tswap")
EAL = ("--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "--log-level=critical", "-m",
       "512")
RATE_MS, LATENCY_MS, GAPS_MS = 250, 500, 250
READY_SECONDS = 20


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
        return f"net_memif{number},role=server,id={number},socket={path},socket-abstract=no"

    @staticmethod
    def far(path, number):
        return (f"net_memif0,role=client,id={number},socket={path},socket-abstract=no,"
                f"mac={mac(number)}")


class Vhost:
    name = "vhost"
    eal = ("--single-file-segments",)

    @staticmethod
    def near(path, number):
        return f"net_vhost{number},iface={path}"

    @staticmethod
    def far(path, number):
        return f"net_virtio_user0,path={path},queue_size=1024,mac={mac(number)}"


def mac(number):
    return f"02:00:00:00:00:{number:02x}"


class Forwarder:
    """A process that forwards, stopped unless it is its turn."""

    def __init__(self, name, number):
        self.name, self.number = name, number
        self.pid = None

    def account(self):
        """What it says about the frames that did not come back."""

    def stop(self):
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)


class Testpmd(Forwarder):
    def __init__(self, mode, number, host, wires, path):
        super().__init__(f"testpmd {mode}", number)
        # Its end of stdin would be its end. A session of its own, as the relay's programs have:
        # the scheduler shares a CPU out to sessions.
        self.process = subprocess.Popen(
            host.command("dpdk-testpmd", *EAL, *wires.eal, "--lcores", lcores(2),
                         "--vdev", wires.far(path, number), "--", f"--forward-mode={mode}",
                         "--nb-cores=1", "--port-topology=loop", "--disable-link-check",
                         "--rxd=512", "--txd=512", "--total-num-mbufs=8192"),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        self.pid = self.process.pid

    def close(self):
        self.go_on()
        self.process.kill()
        self.process.wait()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return list(map(int, file.read().split()))


class Relay(Forwarder):
    def __init__(self, number, host, wires, path, directory, allocations, neighbour):
        super().__init__("turnpike", number)
        self.host, self.control = host, directory / "control"
        config = {
            "listen": [f"{SERVER[0]}:{SERVER[1]}"], "relay": [SERVER[0]],
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
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                host.command(BUILD / "turnpike", "run", "--config", file),
                cwd=directory, stdout=log, stderr=log)
        wait_until(self._ready, "turnpike: ready")
        self.pid = next(pid for pid in children(self.process.pid)
                        if os.readlink(f"/proc/{pid}/exe").endswith("turnpike-dpdk"))
        # Neighbours for good: while turnpike-dpdk is stopped the kernel's ARP would get no answer.
        host.ip("link set tp0 up", f"addr add {SERVER[0]}/24 dev tp0",
                *(f"neigh replace {ip} lladdr {neighbour} dev tp0 nud permanent"
                  for ip in (CLIENT, PEER)))

    def _ready(self):
        said = self.log.read_text(encoding="utf-8")
        assert self.process.poll() is None, said
        return "turnpike: ready" in said

    def account(self):
        return {name: n for name, n in self.counters().items() if n}

    def counters(self):
        said = self.host.run(BUILD / "turnpikectl", "--socket", self.control, "counters", "--all",
                             "--json", capture_output=True, text=True).stdout
        return json.loads(said)["workers"][0]

    def close(self):
        self.go_on()
        self.process.terminate()
        self.process.wait()


def lcores(n):
    cpus = sorted(os.sched_getaffinity(0))
    return ",".join(f"{i}@{cpus[i]}" for i in range(n))


class Load:
    def __init__(self, host, wires, paths):
        devices = [wires.near(path, number) for number, path in enumerate(paths)]
        self.process = subprocess.Popen(
            host.command(BUILD / "perf/bench/wire_load", "net_tap0,iface=load0", *devices, "--",
                         *EAL, "--lcores", lcores(1)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self.answer() == {"ready": True}
        host.ip("link set load0 up", f"addr add {CLIENT}/24 dev load0",
                f"addr add {PEER}/24 dev load0")
        lab.whole_checksums(host, "load0")
        self.mac = json.loads(host.run("ip", "-j", "link", "show", "load0", capture_output=True,
                                       text=True).stdout)[0]["address"]

    def answer(self):
        line = self.process.stdout.readline()
        assert line, "wire_load has ended"
        return json.loads(line)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.answer()
        assert "error" not in answer, (words, answer)
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def frame(source_mac, source, destination, payload):
    data = frames.udp(source, destination, payload)
    packet = frames.ip4(source[0], destination[0], ident=0, flags=2, offset=0, ttl=64, protocol=17,
                        data=data)
    macs = b"".join(bytes.fromhex(m.replace(":", "")) for m in (mac(0), source_mac))
    return macs + struct.pack("!H", frames.ETH_P_IP) + packet


# The load's trailer with time 0, whose words sum up to nothing.
PAYLOAD = bytes(DATA - 16) + b"load" + bytes(8) + b"\xff\xff" + bytes(2)


def allocate(host, n):
    """(client, relayed, peer) of so many allocations with a channel, made through the port."""
    made = []
    for i in range(n):
        client = turn.Turn(host.udp(CLIENT, 10000 + i, buffer=1 << 14), SERVER)
        answer = client.allocate()
        assert client.relayed, answer
        peer = (PEER, 10000 + i)
        answer = client.channel_bind(CHANNEL, peer)
        assert answer.code is None, answer
        made.append((client.address, client.relayed, peer))
        client.close()
    return made


def write_frames(directory, load, made):
    """Files of frames: clients' ChannelData, and what their peers send."""
    head = struct.pack("!HH", CHANNEL, DATA)
    both = {
        "to peer": [frame(load.mac, client, SERVER, head + PAYLOAD) for client, _, _ in made],
        "to client": [frame(load.mac, peer, relayed, PAYLOAD) for _, relayed, peer in made]}
    files = {}
    for number, (way, some) in enumerate(both.items()):
        files[way] = directory / f"frames{number}"
        files[way].write_bytes(b"".join(struct.pack("=H", len(f)) + f for f in some))
    return files


def length_back(forwarder, way):
    """Of the frame that comes back: only a relay takes ChannelData's header off, or puts it on."""
    return HEADERS + DATA + 4 * ((way == "to peer") != isinstance(forwarder, Relay))


def measure(load, forwarder, files, pps):
    found = {}
    forwarder.go_on()
    for way, file in files.items():
        load.ask("frames", file)
        words = forwarder.number, RATE_MS, length_back(forwarder, way)
        found[f"pps {way}"] = load.ask("rate", *words)
        words = forwarder.number, LATENCY_MS, length_back(forwarder, way), pps
        found[f"latency {way}"] = load.ask("latency", *words)
    forwarder.stop()
    for what, one in found.items():
        assert one["received"] and not one["wrong"], (forwarder.name, what, one,
                                                      forwarder.account())
    return found


def gaps(load):
    return [load.ask("gaps", cpu, GAPS_MS) for cpu in sorted(os.sched_getaffinity(0))[:2]]


def run(wires, options, directory):
    """[(forwarder's name, [what each round found])], and the rounds' gaps."""
    relay_host, load_host = lab.Namespace("relay"), lab.Namespace("load")
    load, everything = None, []
    ends = directory / "wires"
    ends.mkdir()
    ends.chmod(0o777)  # turnpike-dpdk's user is not this one, and net_memif asks that it may write there
    try:
        load = Load(load_host, wires, [ends / f"wire{n}" for n in range(1 + len(MODES))])
        for socket in ends.iterdir():
            socket.chmod(0o777)
        relay = Relay(0, relay_host, wires, ends / "wire0", directory, options.allocations,
                      load.mac)
        everything.append(relay)
        wait_until(lambda: load.ask("link", 0)["up"], "the relay's port")
        files = write_frames(directory, load, allocate(load_host, options.allocations))
        load.ask("frames", files["to peer"])
        relay.stop()
        for number, mode in enumerate(MODES, 1):
            everything.append(Testpmd(mode, number, relay_host, wires, ends / f"wire{number}"))
            wait_until(lambda n=number: load.ask("rate", n, 1, 0)["received"], f"testpmd {mode}")
            everything[-1].stop()
        rounds, between = {f.name: [] for f in everything}, []
        # The first warms up.
        for k in range(options.rounds + 1):
            between.append(gaps(load))
            for forwarder in everything:
                rounds[forwarder.name].append(measure(load, forwarder, files, options.pps))
            print(f"\rwire_bench: {wires.name}: round {k} of {options.rounds}",
                  end="" if k < options.rounds else "\n", file=sys.stderr, flush=True)
        counted = relay.counters()
        for name, way in (("relayed_to_peer", "to peer"), ("relayed_to_client", "to client")):
            came = sum(one[f"{what} {way}"]["received"] for one in rounds[relay.name]
                       for what in ("pps", "latency"))
            assert counted[name] >= came, (name, counted[name], came)
        return {name: found[1:] for name, found in rounds.items()}, between[1:]
    finally:
        for one in (*reversed(everything), *([load] if load else [])):
            one.close()
        relay_host.close()
        load_host.close()


def spread(values, form):
    values = sorted(values)
    return (f"{statistics.median(values):{form}} "
            f"({values[0]:{form}} to {values[-1]:{form}})")


def report(wires, rounds, between, options):
    print(f"{wires.name}: {options.allocations} allocations, {DATA} bytes of data, medians (and "
          f"extremes) of {options.rounds} rounds")
    for n, cpu in enumerate(("load's", "forwarder's")):
        print(f"  gaps of the {cpu} CPU: longest "
              f"{spread([b[n]['longest_us'] for b in between], '.0f')} us, lost "
              f"{spread([b[n]['lost_percent'] for b in between], '.1f')} %")
    print("  Mpps")
    for way in ("to peer", "to client"):
        for name, found in rounds.items():
            rate, best = ([one[f"pps {way}"][what] / 1e6 for one in found]
                          for what in ("pps", "best_pps"))
            print(f"  {way:9} {name:15} {spread(rate, '.2f')}   in the best 5 ms of each round "
                  f"{spread(best, '.2f')}")
    print(f"  latency at {options.pps / 1e3:.0f} kpps, us")
    for way in ("to peer", "to client"):
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
    parser.add_argument("--allocations", type=int, default=1000)
    parser.add_argument("--pps", type=int, default=100000)
    parser.add_argument("wires", nargs="*", choices=["memif", "vhost", []], default=[])
    options = parser.parse_args()
    if os.geteuid() != 0 or len(os.sched_getaffinity(0)) < 2:
        sys.exit("wire_bench takes root, for its network namespaces, and two CPUs.")
    everything = {}
    for wires in (Memif, Vhost):
        if options.wires and wires.name not in options.wires:
            continue
        directory = pathlib.Path(tempfile.mkdtemp(prefix="turnpike-wire-"))
        directory.chmod(0o711)
        try:
            rounds, between = run(wires, options, directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        everything[wires.name] = {"rounds": rounds, "gaps": between}
        if not options.json:
            report(wires, rounds, between, options)
    if options.json:
        json.dump(everything, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
