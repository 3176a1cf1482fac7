# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Every packet is counted under a name, and the sums hold. The names are the header's."""

import re

import lab as internet
import stun
from server import REPOSITORY, wait_until

HEADER = (REPOSITORY / "include/turnpike/counters.h").read_text(encoding="utf-8")


def names(macro):
    body = re.search(rf"#define {macro}\(X\)(.*?)\n\n", HEADER, re.S).group(1)
    return re.findall(r"\bX\((\w+),", body)


CLIENT_DROPS = names("TP_CLIENT_DROPS")
PEER_DROPS = names("TP_PEER_DROPS")


def test_packets_in_are_packets_relayed_punted_and_dropped(make_server, make_client, make_peer):
    server = make_server()
    client, peer, stranger = make_client(of=server), make_peer(host=0), make_peer(host=1)
    client.allocate()
    assert client.channel_bind(0x4000, internet.name(peer)).cls == stun.SUCCESS
    for n in range(200):
        client.channel_data(0x4000, b"good")
        client.channel_data(0x4001, b"unbound")
        client.send(internet.name(peer), b"good")
        client.send(internet.name(stranger), b"no permission")
        client.send_raw(b"\xff")
        peer.sendto(b"good", client.relayed)
        stranger.sendto(b"no permission", client.relayed)
        if n % 20 == 0:
            client.transact(stun.encode(stun.BINDING, stun.REQUEST))
    for _ in range(400):
        assert peer.recv(100) == b"good"
    for _ in range(200):
        assert client.receive_channel_data() == (0x4000, b"good")

    expected = {"relayed_to_peer": 400, "relayed_to_peer_bytes": 1600, "channel_unbound": 200,
                "send_no_permission": 200, "client_reserved_byte": 200, "relayed_to_client": 200,
                "relayed_to_client_bytes": 800, "peer_packets": 400, "peer_no_permission": 200,
                "punted": 13, "client_packets": 1013}
    counters = {}

    def settled():
        counters.update(server.counters())
        return all(counters[name] >= expected[name] for name in expected)
    wait_until(settled, 5, f"counters, expected {expected}")
    assert {name: counters[name] for name in expected} == expected
    assert counters["client_packets"] == counters["relayed_to_peer"] + counters["punted"] + sum(
        counters[name] for name in CLIENT_DROPS)
    assert counters["peer_packets"] == counters["relayed_to_client"] + sum(
        counters[name] for name in PEER_DROPS)
    assert counters["allocate_requests"] == 2 and counters["channel_bind_requests"] == 1
    assert counters["binding_requests"] == 10 and counters["error_401"] == 1


def test_status_and_allocations_tell_what_there_is(make_server, make_client, make_peer):
    server = make_server()
    client = make_client(of=server)
    client.allocate()
    assert isinstance(server.ctl("status"), dict)
    text = str(server.ctl("allocations"))
    for part in (client.relayed[0], str(client.relayed[1]), client.address[0],
                 str(client.address[1]), "alice"):
        assert part in text
    assert "wonderland" not in text
    client.refresh(0)
    assert str(client.relayed[1]) not in str(server.ctl("allocations"))


def test_allocations_of_several_answers_are_told_as_one(make_server, make_client):
    server = make_server()
    clients = [make_client(of=server) for _ in range(600)]
    for client in clients:
        assert client.allocate().code is None
    answer = server.ctl("allocations")
    assert set(answer) == {"allocations"}
    assert sorted(a["client"] for a in answer["allocations"]) == \
        sorted(f"{c.address[0]}:{c.address[1]}" for c in clients)


def test_the_control_socket_is_for_its_owner_alone(server):
    import os
    import stat
    mode = os.stat(server.config["control_socket"]).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
