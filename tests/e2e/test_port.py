# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""turnpike-dpdk and its host: cores, memory, ports that are not there, an idle worker's share of a core."""

import os
import pathlib
import subprocess
import time

import pytest

import stun
from server import BUILD, DATAPLANE_PROGRAM

pytestmark = pytest.mark.dataplanes("dpdk")

HUGE_PAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
BOUND_US = 200  # dpdk.idle_latency by default


def cpus(text):
    """The CPUs of a list such as 0-1,3."""
    ranges = [[int(n) for n in part.split("-")] for part in text.split(",")]
    return {cpu for r in ranges for cpu in range(r[0], r[-1] + 1)}


def threads(pid):
    """[(name, CPUs that it may run on)] of a process."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        status = dict(line.split(":\t", 1) for line in
                      (task / "status").read_text(encoding="utf-8").splitlines() if ":\t" in line)
        found.append((status["Name"], cpus(status["Cpus_allowed_list"])))
    return found


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="takes two cores")
def test_threads_that_are_not_workers_stay_off_worker_cores(make_server):
    server = make_server(dpdk={"workers": 1})
    found = threads(server.processes()[DATAPLANE_PROGRAM])
    workers = [allowed for name, allowed in found if name.startswith("rte-worker")]
    others = [allowed for name, allowed in found if not name.startswith("rte-worker")]
    assert len(workers) == 1 and len(workers[0]) == 1, found
    assert others and not any(allowed & workers[0] for allowed in others), found


def test_an_idle_worker_wakes_as_often_as_its_bound_says_and_hardly_takes_a_core(make_server):
    server = make_server(dpdk={"workers": 1})
    pid = server.processes()[DATAPLANE_PROGRAM]
    worker, = [task for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
               if (task / "comm").read_text().startswith("rte-worker")]

    def sleeps():
        lines = (worker / "status").read_text().splitlines()
        return int(next(l for l in lines if l.startswith("voluntary_ctxt")).split()[1])
    began, before = time.monotonic(), sleeps()
    while time.monotonic() - began < 1:
        server.counters()
    count, took = sleeps() - before, time.monotonic() - began
    print(f"{count / took:.0f} sleeps a second")
    # Each takes its bound at least, but for those after something came.
    assert 0 < count <= took * 1e6 / BOUND_US * 1.5, count


def dataplane(relay, *options, port="net_null0"):
    """turnpike-dpdk by itself, which is to end before it has served anybody."""
    return relay.run(BUILD / DATAPLANE_PROGRAM, "--link", "/nowhere", "--listen",
                     f"{relay.v4[0]}:3478", "--relay", relay.v4[0], "--allocations", 16, "--port",
                     port, "--exception", "none,lo", *options, check=False, capture_output=True,
                     text=True, timeout=20)


@pytest.mark.parametrize("port, options, sentence", [
    ("net_tap0,iface=few0", ("--workers", 17), "port net_tap0,iface=few0 has 16 TX queues, one short "
     "of one for each worker: --workers 16 at most."),
    ("net_tap0,iface=few0", ("--workers", 2, "--placement", "owner"), "port net_tap0,iface=few0: it "
     "takes no rte_flow rule for the lowest bits of a UDP port; so nobody knows the owners of relay "
     "ports: take --placement every, or another --steering."),
    ("0000:ff:1f.7", ("--workers", 1), "port 0000:ff:1f.7: no driver took it (is it bound to "
     "vfio-pci, or its name misspelt?): No such device."),
])
def test_a_port_that_cannot_do_what_is_asked_says_what_it_lacks(relay, port, options, sentence):
    done = dataplane(relay, "--no-huge", "--mbufs", 65535, *options, port=port)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"{DATAPLANE_PROGRAM}: {sentence}", done.stderr


def test_without_huge_pages_it_says_how_to_do_without(relay):
    if HUGE_PAGES.read_text().strip() != "0":
        pytest.skip("this host has huge pages")
    done = dataplane(relay, "--workers", 1)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "Are there huge pages (sysctl vm.nr_hugepages)? --no-huge does without."), done.stderr


@pytest.fixture
def huge_pages():
    """Some, for the time of a test."""
    former = int(HUGE_PAGES.read_text())
    HUGE_PAGES.write_text(str(former + 256))
    if int(HUGE_PAGES.read_text()) < former + 256:
        HUGE_PAGES.write_text(str(former))
        pytest.skip("this host has no memory for huge pages")
    yield
    HUGE_PAGES.write_text(str(former))


def test_with_huge_pages_it_serves_in_memory_that_has_no_files(huge_pages, make_server, make_client):
    server = make_server(dpdk={"huge_pages": True})
    client = make_client(of=server)
    assert client.allocate().cls == stun.SUCCESS
    maps = pathlib.Path(f"/proc/{server.processes()[DATAPLANE_PROGRAM]}/smaps").read_text()
    assert "KernelPageSize:     2048 kB" in maps


def test_a_configuration_is_checked_without_its_port(tmp_path):
    config = tmp_path / "turnpike.yaml"
    config.write_text('listen: ["192.0.2.1:3478"]\nrelay: ["192.0.2.1"]\nports: 61000-65535\n'
                      'users: [{name: a, password: b}]\ndataplane: dpdk\n'
                      'dpdk: {ports: ["0000:ff:1f.7"]}\n', encoding="utf-8")
    config.chmod(0o600)
    trace = subprocess.run([BUILD / "turnpike", "check", "--config", config], capture_output=True,
                           text=True, timeout=10)
    assert trace.returncode == 0, trace.stderr
    config.write_text(config.read_text().replace("1f.7", "1f.8"), encoding="utf-8")
    refused = subprocess.run([BUILD / "turnpike", "check", "--config", config],
                             capture_output=True, text=True, timeout=10)
    assert refused.returncode == 1
    assert '"0000:ff:1f.8" is neither a PCI address' in refused.stderr
