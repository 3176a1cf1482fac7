# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The generator (perf/turngun) against the relay: what it sends comes back, and the relay has counted as much."""

import json
import os
import subprocess

import pytest

from server import ALLOWED_PEERS, BUILD

TURNGUN = BUILD / "perf/turngun/turngun"
SECONDS = 120


class Gun:
    """A host of the lab without a kernel's addresses: turngun is all clients and peers there."""

    def __init__(self, lab):
        self.lab = lab
        self.host = lab.add_relay()
        self.host.ip("addr flush dev eth0")
        self.host.sysctl(ipv6__conf__eth0__disable_ipv6=1)

    def who(self, family):
        """Four addresses of clients, four of peers."""
        net = self.host.v4net if family == "v4" else self.host.v6net
        client, peer, gateway = net[2], net[6], net[1]
        if family == "v6":
            client, peer = f"[{client}]", f"[{peer}]"
        return ("--client", f"{client}+4:10000", "--peer", f"{peer}+4:20000", "--gateway", gateway)

    def run(self, *words, command="load", stdin=None, status=0):
        environment = {**os.environ, "TURNGUN_PASSWORD": "wonderland"}
        done = subprocess.run(
            self.host.command(TURNGUN, command, "--user", "alice", "--json", *words),
            capture_output=True, text=True, input=stdin, env=environment, timeout=SECONDS)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def close(self):
        self.lab.remove_relay(self.host)


@pytest.fixture
def gun(lab):
    it = Gun(lab)
    yield it
    it.close()


def serve(make_server, gun):
    return make_server(allow_peers=[*ALLOWED_PEERS, str(gun.host.v4net), str(gun.host.v6net)])


def by_way(load):
    return {(w["direction"], w["form"]): w for w in load["ways"]}


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_every_way_goes_through_the_relay_whole_and_is_counted_alike(make_server, gun, family):
    server = serve(make_server, gun)
    address = server.host.v4[0] if family == "v4" else f"[{server.host.v6[0]}]"
    before = server.counters()
    result, = gun.run("--wire", "net_af_xdp0,iface=eth0", *gun.who(family), "--clients", 20,
                      "--peers", 8, "--channels", 3, "--indications", 40, "--hairpin", 50,
                      "--sizes", "turn", "--rate", 3000, "--seconds", 1, "--warm-up", 0,
                      f"{address}:3478")
    assert result["schema"] == "turngun/1"
    setup, load = result["setup"], result["load"]
    phase = {"asked", "made", "failed", "transactions", "retransmissions", "seconds", "per_second",
             "latency_us", "errors"}
    assert (set(setup), set(setup["bind"])) == ({"seconds", "allocate", "bind"}, phase)
    assert (setup["allocate"]["made"], setup["allocate"]["errors"]) == (20, {})
    # Ten clients with three flows each, and five pairs with one each way.
    assert (setup["bind"]["made"], setup["bind"]["errors"]) == (40, {})
    ways = by_way(load)
    assert set(ways) == {(d, f) for d in ("to-peer", "to-client", "hairpin")
                         for f in ("channel", "indication")}
    total = load["total"]
    assert total["offered"] == 3000
    for name in ("unsent", "lost", "duplicates", "corrupt", "misdelivered", "bad_checksum"):
        assert total[name] == 0, (name, {way: w[name] for way, w in ways.items()},
                                  result["wire"], server.counters())
    assert total["received"] == 3000 == total["latency_us"]["samples"]
    assert sum(count for _, count in total["histogram"]["buckets"]) == 3000
    assert all(0 < w["latency_us"]["p50"] <= w["latency_us"]["p99.99"] <= w["latency_us"]["max"]
               for w in ways.values())
    after = server.counters()
    relayed = sum(after[n] - before[n] for n in ("relayed_to_peer", "relayed_to_client"))
    # A hairpin is relayed to the peer, and from there to the client.
    hairpin = sum(w["sent"] for (d, _), w in ways.items() if d == "hairpin")
    assert relayed in (3000, 3000 + hairpin), (relayed, hairpin, after)


def test_a_reflector_returns_every_packet_to_the_ceiling(lab, gun):
    far = lab.add_relay()
    try:
        # A wire of two ends and nothing between.
        for host in (far, gun.host):
            host.ip("link del eth0")
        far.ip(f"link add eth0 type veth peer name eth0 netns {gun.host.path}", "link set eth0 up")
        gun.host.ip("link set eth0 up")
        wire = ("--wire", "net_af_xdp0,iface=eth0")
        reflector = subprocess.Popen(far.command(TURNGUN, "reflect", *wire),
                                     stdout=subprocess.PIPE, text=True)
        assert reflector.stdout.readline() == "ready\n"
        result, = gun.run(*wire, "--clients", 6, "--peers", 6, "--client", "192.0.2.1", "--rate",
                          2000, "--seconds", 0.5, "--warm-up", 0, command="ceiling")
        total = result["load"]["total"]
        assert (total["offered"], total["received"]) == (1000, 1000)
        assert (total["corrupt"], total["duplicates"], result["setup"]) == (0, 0, None)
        reflector.terminate()
        # The kernels of both ends say something too.
        assert int(reflector.stdout.readline().split()[0]) >= 1000
        assert reflector.wait() == 0
        reflector.stdout.close()
    finally:
        lab.remove_relay(far)


WAY = {"offered", "offered_pps", "sent", "sent_pps", "unsent", "received", "received_pps",
       "payload_bps", "lost", "loss", "duplicates", "reordered", "late", "corrupt", "misdelivered",
       "bad_checksum", "worst_stream_loss", "latency_us", "histogram"}
LATENCY = {"p50", "p90", "p99", "p99.9", "p99.99", "max", "mean", "samples"}


def test_the_document_has_what_its_description_says():
    """perf/turngun/README.md; without a relay, so without namespaces."""
    done = subprocess.run([TURNGUN, "ceiling", "--wire", "loop", "--client", "192.0.2.1", "--rate",
                           "1000", "--seconds", "0.1", "--json"], capture_output=True, text=True,
                          check=True, timeout=SECONDS)
    it = json.loads(done.stdout)
    assert set(it) == {"schema", "command", "argv", "started", "versions", "machine", "setup", "kept",
                       "load", "wire", "gaps"}
    assert (it["schema"], it["command"], it["argv"][1]) == ("turngun/1", "ceiling", "ceiling")
    assert set(it["versions"]) == {"turngun", "dpdk"}
    assert set(it["machine"]) == {"cpu", "cpus", "cpu_used", "memory_bytes", "kernel",
                                  "kernel_build", "hypervisor"}
    assert set(it["load"]) == {"rate", "sizes", "direction", "seconds", "grace_seconds",
                               "best_received_pps", "best_window_seconds", "flows", "streams",
                               "ways", "total"}
    assert set(it["load"]["total"]) == WAY
    for way in it["load"]["ways"]:
        assert set(way) == WAY | {"direction", "form"}
        assert set(way["latency_us"]) == LATENCY
        assert set(way["histogram"]) == {"unit", "relative_error", "buckets"}
    assert set(it["wire"]) == {"name", "driver", "refused", "missed", "errors", "unexpected"}
    assert set(it["wire"]["unexpected"]) == {"unknown", "stale", "malformed", "stun"}
    assert set(it["gaps"]) == {"threshold_us", "count", "longest_us", "lost_percent", "p50_us",
                               "p99_us", "p99.9_us", "involuntary_switches", "waited_ms",
                               "stolen_ms"}


def test_trials_share_the_allocations(make_server, gun):
    server = serve(make_server, gun)
    head, *trials = gun.run(
        "--wire", "net_af_xdp0,iface=eth0", *gun.who("v4"), "--clients", 4, "--trials",
        "--warm-up", 0, f"{server.host.v4[0]}:3478",
        stdin="rate=500 seconds=0.2\nrate=1000 direction=to-peer sizes=1200\n")
    assert head["setup"]["allocate"]["made"] == 4
    assert [t["load"]["total"]["offered"] for t in trials] == [100, 200]
    assert [t["load"]["total"]["received"] for t in trials] == [100, 200]
    assert [set(t) for t in trials] == 2 * [{"schema", "load", "kept", "wire", "gaps"}]
    assert set(by_way(trials[1]["load"])) == {("to-peer", "channel")}


def test_a_wrong_password_makes_nothing_and_says_so(make_server, gun):
    server = serve(make_server, gun)
    gun.run("--wire", "net_af_xdp0,iface=eth0", *gun.who("v4"), "--user", "nobody",
            f"{server.host.v4[0]}:3478", status=1)


def test_sockets_do_where_there_is_nothing_else(make_server, lab):
    server = make_server()
    done = subprocess.run(
        lab.client.command(TURNGUN, "load", "--json", "--user", "alice", "--wire", "sockets",
                           "--client", f"{lab.client.v4[0]}+4:30000", "--clients", 8, "--peers", 4,
                           "--peer", f"{lab.client.v4[5]}+2:31000", "--rate", 200, "--hairpin",
                           50, "--indications", 50, f"{server.host.v4[0]}:3478"),
        capture_output=True, text=True, env={**os.environ, "TURNGUN_PASSWORD": "wonderland"},
        timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    total = json.loads(done.stdout)["load"]["total"]
    assert (total["offered"], total["received"], total["lost"]) == (200, 200, 0)
