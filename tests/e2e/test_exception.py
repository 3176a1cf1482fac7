# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""turnpike-dpdk beside the kernel: what isn't TURN's goes there, and next hops come from there."""

import json
import os
import socket
import struct
import threading

import pytest

import lab as internet
import stun
from load import Load
from server import FAMILIES, PORT, wait_until
from wire import EXCEPTION

pytestmark = pytest.mark.dataplanes("dpdk")


def neighbour(namespace, address, device):
    """The link-layer address that a namespace has for a neighbour; None: none yet."""
    found = json.loads(namespace.run("ip", "-json", "neigh", "show", address, "dev", device,
                                     capture_output=True, text=True).stdout)
    return found[0].get("lladdr") if found else None


def link_address(namespace, device):
    return json.loads(namespace.run("ip", "-json", "link", "show", device, capture_output=True,
                                    text=True).stdout)[0]["address"]


def checksum(data):
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2))
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ping(namespace, address, data):
    """One echo request and its reply, with the same data."""
    v6 = ":" in address
    family, protocol = ((socket.AF_INET6, socket.IPPROTO_ICMPV6) if v6 else
                        (socket.AF_INET, socket.IPPROTO_ICMP))
    request, reply = (128, 129) if v6 else (8, 0)
    rest = struct.pack("!HH", os.getpid() & 0xFFFF, 1) + data
    # The kernel fills in ICMPv6's checksum, which covers addresses.
    total = 0 if v6 else checksum(struct.pack("!BBH", request, 0, 0) + rest)
    with namespace.run_inside(socket.socket, family, socket.SOCK_RAW, protocol) as sock:
        sock.settimeout(3)
        sock.sendto(struct.pack("!BBH", request, 0, total) + rest, (address, 0))
        while True:
            got, source = sock.recvfrom(65535)
            icmp = got if v6 else got[(got[0] & 15) * 4:]
            if source[0] == address and icmp[0] == reply and icmp[4:] == rest:
                return


@pytest.mark.parametrize("family", FAMILIES)
def test_ping_reaches_each_address_of_the_relay(lab, server, family):
    for address in (server.host.v6 if family == "v6" else server.host.v4):
        for size in (0, 56, 1400, 4000):
            ping(lab.client, address, os.urandom(size))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_router_resolves_the_relay_anew(lab, server, family):
    address, device = server.address(FAMILIES[family])[0], server.host.name
    lab.router.run("ip", "neigh", "flush", "dev", device)
    ping(lab.client, address, b"who has you?")
    assert neighbour(lab.router, address, device) == link_address(server.host, EXCEPTION)


# The other ports have no device in any kernel.
@pytest.mark.dataplanes(*["dpdk"] * (PORT in ("tap", "af_xdp")))
def test_the_port_lets_in_groups_that_the_kernel_has_joined(server):
    """Neighbour discovery's, of which a NIC's filter knows nothing; a virtual wire shows its flags only."""
    where, device = ((server.host.router, server.host.name) if PORT == "tap" else
                     (server.host, "eth0"))
    flags = json.loads(where.run("ip", "-json", "link", "show", device, capture_output=True,
                                 text=True).stdout)[0]["flags"]
    assert "ALLMULTI" in flags or "PROMISC" in flags, flags


@pytest.mark.parametrize("family", FAMILIES)
def test_a_tcp_connection_to_the_relays_address_carries_data_both_ways(lab, server, family):
    family = FAMILIES[family]
    listener = server.host.run_inside(socket.socket, family, socket.SOCK_STREAM)
    listener.bind((server.host.address(family), 2222))
    listener.listen()
    total, got = 300_000, bytearray()

    def serve():
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(65536):
                got.extend(data)
            connection.sendall(bytes(reversed(got)))

    thread = threading.Thread(target=serve)
    thread.start()
    with lab.client.run_inside(socket.socket, family, socket.SOCK_STREAM) as sock:
        sock.settimeout(20)
        sock.connect((server.host.address(family), 2222))
        data = os.urandom(total)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        back = bytearray()
        while part := sock.recv(65536):
            back.extend(part)
    thread.join()
    listener.close()
    assert got == data and back == bytes(reversed(data))


def test_a_closed_udp_port_of_the_relay_is_the_kernels_to_refuse(lab, server):
    sock = lab.client.udp(lab.client.v4[0])
    sock.connect((server.host.v4[0], 9))
    sock.send(b"anyone?")
    with pytest.raises(ConnectionRefusedError):
        sock.recv(100)
    sock.close()


# Next hops change under traffic.

RATE, SECONDS, CHANNELS = 4000, 4, 10


@pytest.fixture
def flowing(lab, relay, make_server):
    """Traffic both ways through a server of its own; change() things, then the test judges."""
    server = make_server()
    load = Load(lab, server, CHANNELS, socket.AF_INET)
    load.start(RATE, SECONDS)
    load.until(1)
    yield server, load
    load.close()


def survives(result, gap):
    """What was sent within `gap` seconds may be lost, and nothing towards the end."""
    assert (result["duplicated"], result["corrupt"]) == (0, 0), result
    lost = result["lost"] - result["own_drops"]
    assert lost <= RATE * gap, result
    assert result["lost_by_second"][-1] == 0, result
    print(f"{lost} of {result['sent']} lost")


def test_a_changed_route_is_followed_under_traffic(lab, flowing):
    server, load = flowing
    # A second router on the same wire: the same one, by another address.
    second = str(server.host.v4net[4])
    lab.router.sysctl(**{f"ipv4__conf__{server.host.name}__promote_secondaries": 1})
    lab.router.ip(f"addr add {second}/{server.host.v4net.prefixlen} dev {server.host.name}")
    before = server.counters()["relayed_to_peer"]
    server.host.ip(f"route replace default via {second}")
    server.expect_count("relayed_to_peer", before + RATE // 4)
    server.host.ip(f"neigh flush {server.host.v4net[1]} dev {EXCEPTION}")
    survives(load.result(), 0.01)
    # What is sent now takes the new way: the first router's address is gone.
    lab.router.ip(f"addr del {server.host.v4net[1]}/{server.host.v4net.prefixlen} "
                  f"dev {server.host.name}")
    load.flow_again()
    load.all_flow()


def test_a_new_link_layer_address_of_the_router_is_learnt_under_traffic(lab, flowing):
    server, load = flowing
    new = "02:00:00:aa:bb:cc"
    lab.router.ip(f"link set {server.host.name} address {new}")
    # As a router that takes over does: it tells everybody.
    announce(lab.router, server.host.name, new, server.host.v4net[1])
    wait_until(lambda: neighbour(server.host, str(server.host.v4net[1]), EXCEPTION) == new,
               what="the new address")
    survives(load.result(), 0.5)
    load.all_flow()


def announce(router, device, mac, address):
    """A gratuitous ARP request (RFC 5227 section 3)."""
    mac = bytes.fromhex(mac.replace(":", ""))
    arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac + address.packed + bytes(6) + \
        address.packed
    with router.run_inside(socket.socket, socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((device, 0))
        sock.send(b"\xff" * 6 + mac + struct.pack("!H", 0x0806) + arp)


def test_a_route_that_goes_and_returns_costs_what_was_sent_meanwhile(server, make_client, peer):
    client = make_client()
    assert client.allocate().cls == stun.SUCCESS
    assert client.channel_bind(0x4000, internet.name(peer)).cls == stun.SUCCESS
    client.channel_data(0x4000, b"before")
    assert peer.recv(100) == b"before"
    before = server.counters()["client_tx_unreachable"]
    server.host.ip("route add unreachable 203.0.113.0/24")

    def refused():
        client.channel_data(0x4000, b"meanwhile")
        return server.counters()["client_tx_unreachable"] > before
    wait_until(refused, 5, "no route")
    server.host.ip("route del unreachable 203.0.113.0/24")
    peer.settimeout(0.05)

    def back():
        client.channel_data(0x4000, b"after")
        try:
            return peer.recv(100) == b"after"
        except TimeoutError:
            return False
    wait_until(back, 5, "a route again")
