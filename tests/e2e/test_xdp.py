# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The XDP program on its interfaces: that it relays, that it goes, and that it leaves others alone."""

import json
import os
import re
import signal
import socket
import subprocess

import pytest

import lab as internet
import turn
import xdp
from flow import CHANNEL, both_ways, flow, relayed, settle
from load import Load
from server import BUILD, FAMILIES, answers, wait_until

pytestmark = pytest.mark.dataplanes("xdp")

MODE = "generic" if xdp.MODE == "generic" else "native"
INTERFACES = ["eth0", xdp.SECOND] if xdp.MODE == "two" else ["eth0"]
RATE, CHANNELS = 5000, 20


def program(host, device="eth0"):
    """The id of the XDP program on a device; None: there is none."""
    links = json.loads(host.run("ip", "-json", "link", "show", "dev", device, capture_output=True,
                                text=True).stdout)
    return links[0].get("xdp", {}).get("prog", {}).get("id")


@pytest.fixture
def load(lab):
    made = []

    def make(server):
        made.append(Load(lab, server, CHANNELS, socket.AF_INET))
        return made[-1]
    yield make
    for it in made:
        it.close()


def test_status_tells_what_was_found_out_about_each_interface(make_server):
    server = make_server()
    dataplane = server.ctl("status")["dataplane"]
    assert dataplane["name"] == "xdp"
    assert [(i["name"], i["xdp"], i["driver"], i["virtual"], i["mtu"], i["why"])
            for i in dataplane["interfaces"]] == \
        [(name, MODE, "veth", True, 1500, "") for name in INTERFACES]
    assert all(i["queues"] >= 1 and i["headroom"]["lacking"] == 0
               for i in dataplane["interfaces"])
    assert [line for line in server.log if f"eth0: XDP in {MODE} mode; driver veth" in line]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_program_relays_what_is_plain_and_the_sockets_the_rest(
        make_server, make_client, make_peer, family):
    server = make_server()
    client, peer = flow(make_client, make_peer, server, FAMILIES[family])
    before = settle(server, client, peer)
    for n in range(100):
        both_ways(client, peer, bytes([n]) * n)
    assert relayed(server) == {"program": before["program"] + 200, "workers": before["workers"]}
    for n in range(10):  # in fragments
        both_ways(client, peer, os.urandom(4000))
    assert relayed(server) == {"program": before["program"] + 200,
                               "workers": before["workers"] + 20}
    counters = server.counters()
    assert counters["relayed_to_peer"] == counters["relayed_to_client"]


def test_what_the_program_leaves_to_the_sockets_is_counted_by_reason(
        make_server, make_client, make_peer):
    server = make_server()
    client, peer = flow(make_client, make_peer, server)
    settle(server, client, peer)
    before = server.counters()["passed_request"]
    for _ in range(10):
        assert client.refresh(600).lifetime == 600
    relayed(server)
    assert server.counters()["passed_request"] == before + 10
    told = subprocess.run([BUILD / "turnpikectl", "--socket", server.config["control_socket"],
                           "counters"], capture_output=True, text=True, check=True).stdout
    assert "passed_request" in told and "STUN requests" in told, told


def test_a_killed_dataplane_takes_its_program_along_and_comes_back_with_every_allocation(
        make_server, make_client, load, lab):
    server = make_server()
    host, pump = server.host, load(server)
    first = program(host)
    assert first and all(program(host, name) for name in INTERFACES)
    pump.start(RATE, 8)
    pump.until(2)
    # Without a launcher that starts it again at once.
    os.kill(server.launcher.pid, signal.SIGSTOP)
    try:
        dataplane = server.kill("turnpike-kernel")
        # A process is a zombie before the last of its threads has let go of everything.
        wait_until(lambda: not any(program(host, name) for name in INTERFACES), 2, "no program")
        # The host is reached as before.
        sock = host.udp(host.address(socket.AF_INET), 9999)
        asker = lab.client.udp(lab.client.address(socket.AF_INET))
        asker.sendto(b"are you there?", ("198.51.100.%d" % (16 * host.number + 2), 9999))
        data, source = sock.recvfrom(100)
        assert data == b"are you there?"
        sock.sendto(b"yes", source)
        assert asker.recv(100) == b"yes"
        sock.close()
        asker.close()
    finally:
        os.kill(server.launcher.pid, signal.SIGCONT)
    server.restarted("turnpike-kernel", dataplane)
    answers(make_client(of=server))
    result = pump.result()
    assert (result["duplicated"], result["corrupt"]) == (0, 0), result
    pump.flow_again()
    pump.all_answer()
    pump.all_flow()
    assert program(host) not in (None, first)
    assert relayed(server)["program"] > 0


def test_a_stopped_relay_leaves_no_program(make_server):
    server = make_server()
    assert program(server.host)
    server.stop()
    assert [program(server.host, name) for name in INTERFACES] == [None] * len(INTERFACES)


def test_another_program_is_left_alone_and_sockets_relay(make_server, make_client, make_peer, relay):
    xdp.pass_program(relay, "eth0")
    theirs = program(relay)
    server = make_server(xdp={"interfaces": ["eth0"]})
    assert program(relay) == theirs
    dataplane = server.ctl("status")["dataplane"]
    assert dataplane["name"] == "sockets"
    assert dataplane["interfaces"][0]["xdp"] == "none"
    assert dataplane["interfaces"][0]["why"].startswith("another XDP program is there and left alone")
    client, peer = flow(make_client, make_peer, server)
    both_ways(client, peer, b"by sockets")
    assert relayed(server) == {"program": 0, "workers": 2}
    server.stop()
    assert program(relay) == theirs


def test_generic_mode_in_place_of_native_is_told_with_the_reason(
        make_server, make_client, make_peer, relay):
    relay.xdp = {"mode": "auto"}  # nothing was done at the far end
    server = make_server()
    interface = server.ctl("status")["dataplane"]["interfaces"][0]
    assert interface["xdp"] == "generic"
    assert interface["why"].startswith("not native: the far end of the veth takes no frames of XDP")
    assert [line for line in server.log
            if "eth0: XDP in generic mode, not native: the far end of the veth" in line]
    client, peer = flow(make_client, make_peer, server)
    before = settle(server, client, peer)
    both_ways(client, peer, b"in generic mode")
    assert relayed(server) == {"program": before["program"] + 2, "workers": before["workers"]}


def test_an_interface_that_is_not_there_is_told(make_server):
    server = make_server(xdp={"interfaces": ["eth7"]})
    assert server.ctl("status")["dataplane"]["interfaces"][0]["why"].startswith(
        "there is no such interface")
    assert [line for line in server.log if "dataplane: sockets, because" in line]


def test_packets_follow_a_neighbour_that_gets_another_address(make_server, make_client, make_peer):
    server = make_server()
    host, router = server.host, server.host.router
    client, peer = flow(make_client, make_peer, server)
    settle(server, client, peer)
    far = f"{host.name}b" if xdp.MODE == "two" else host.name
    # The kernel believes a neighbour's new address at once, and is told of it.
    host.sysctl(**{f"ipv4__neigh__{INTERFACES[-1]}__locktime": 0})
    router.sysctl(**{f"ipv4__conf__{far}__arp_notify": 1})
    for last in range(3):
        # An interface that goes down and up is what makes it tell, and loses its IPv6 addresses.
        router.ip(f"link set dev {far} address 02:00:00:00:07:{last:02x}")
        flow_again(client, peer)
        before = settle(server, client, peer)
        for n in range(50):
            both_ways(client, peer, b"%d" % n)
        assert relayed(server) == {"program": before["program"] + 100,
                                   "workers": before["workers"]}


def flow_again(client, peer):
    """Sends until data goes both ways again, as it does once the kernel knows the new address."""
    client.sock.settimeout(0.05)
    peer.settimeout(0.05)

    def goes():
        try:
            client.channel_data(CHANNEL, b"again")
            peer.recv(100)
            peer.sendto(b"again", client.relayed)
            client.sock.recv(100)
        except TimeoutError:
            return False
        return True
    wait_until(goes, 5, "a flow to the neighbour's new address")
    client.sock.settimeout(turn.TIMEOUT)
    peer.settimeout(5)


def test_another_program_of_the_host_goes_on_using_ports_of_the_range(
        make_server, make_client, make_peer):
    server = make_server()
    client, peer = flow(make_client, make_peer, server)
    settle(server, client, peer)
    # As a resolver's question and its answer: the kernel takes such ports for any program.
    asker = server.host.udp(server.host.address(socket.AF_INET), 50505)
    asker.sendto(b"question", peer.getsockname())
    question, source = peer.recvfrom(100)
    assert (question, source[1]) == (b"question", 50505)
    peer.sendto(b"answer", source)
    assert asker.recv(100) == b"answer"
    asker.close()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_sender_leaves_to_its_device_goes_by_the_sockets(
        make_server, make_client, make_peer, lab, family):
    server = make_server()
    client, peer = flow(make_client, make_peer, server, FAMILIES[family])
    before = settle(server, client, peer)
    # The whole way to the relay: a device that can't would finish it.
    ends = (lab.client, "eth0"), (lab.router, server.host.name)
    for where, device in ends:
        where.run("ethtool", "-K", device, "tx", "on", capture_output=True)
    try:
        for n in range(20):
            both_ways(client, peer, b"%d" % n)
            client.send(internet.name(peer), b"%d" % n)
            assert peer.recv(100) == b"%d" % n
    finally:
        for where, device in ends:
            internet.whole_checksums(where, device)
    assert relayed(server) == {"program": before["program"] + 20, "workers": before["workers"] + 40}


def test_auto_takes_xdp_where_it_can_and_says_so(make_server, make_client, make_peer):
    server = make_server(dataplane="auto")
    assert server.ctl("status")["dataplane"]["name"] == "xdp"
    assert [line for line in server.log
            if line == "turnpike-kernel: dataplane: xdp, because an interface takes the XDP program."]
    client, peer = flow(make_client, make_peer, server)
    settle(server, client, peer)


def left(host, how):
    """How many frames the program has sent back by XDP_TX ("tx"), or had redirected."""
    said = host.run("ethtool", "-S", "eth0", capture_output=True, text=True).stdout
    return sum(int(n) for n in re.findall(rf"rx_queue_\d+_xdp_{how}: (\d+)", said))


@pytest.mark.xdp_modes("native")  # generic mode needs no far end
@pytest.mark.parametrize("far_end, how, never", [("gro", "redirect", "tx"), ("program", "tx", "redirect")])
def test_a_far_end_gets_every_packet_whether_it_has_a_program_or_gro_alone(
        make_server, make_client, make_peer, relay, far_end, how, never):
    if far_end == "gro":
        relay.router.run("ethtool", "-K", relay.name, "gro", "on")
        relay.xdp = {"mode": "native"}
    server = make_server()
    assert (program(relay.router, relay.name) is None) == (far_end == "gro")
    client, peer = flow(make_client, make_peer, server)
    settle(server, client, peer)
    sent = left(relay, how)
    # Nothing else wakes the far end: each waits for the one before.
    for n in range(20):
        both_ways(client, peer, b"%d" % n)
    # A neighbour that the kernel asks for meanwhile has one go by the sockets.
    assert left(relay, how) > sent > 0 and left(relay, never) == 0


@pytest.mark.parametrize("capabilities", ["-all", "-net_admin,-sys_admin", "-bpf,-sys_admin"])
def test_where_bpf_may_not_be_loaded_sockets_relay_and_a_line_says_so(
        make_server, make_client, make_peer, relay, capabilities):
    relay.xdp, command = xdp.prepare(relay), relay.command
    relay.command = lambda *words: command("setpriv", f"--bounding-set={capabilities}",
                                           f"--inh-caps={capabilities}", *words)
    try:
        server = make_server()
    finally:
        relay.command = command
    assert server.ctl("status")["dataplane"]["name"] == "sockets"
    assert [line for line in server.log if "dataplane: sockets, because" in line]
    assert [line for line in server.log if "may not be loaded here" in line], server.log
    client, peer = flow(make_client, make_peer, server)
    both_ways(client, peer, b"by sockets")
