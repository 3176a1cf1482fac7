# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Browsers that call each other: what they gather, which pair wins, that picture, sound and payloads
arrive, and go on arriving while parts of the relay die."""

import pytest

DIRECT = {"host", "srflx", "prflx"}

scenario = pytest.mark.scenario


def types(side):
    return side["pair"]["local"]["type"], side["pair"]["remote"]["type"]


def assert_good(sides):
    for side in sides:
        assert side["state"] == "connected" and all(types(side)), side["pair"]
        assert side["data"]["received"] > 0 and side["frames"] > 0
        assert side["data"]["damaged"] == 0
        assert side["size"] == [320, 240]
        assert side["energy"] > 0, "silence"


def test_two_homes_behind_symmetric_nats_talk_through_the_relay(browsers):
    call = browsers.call()
    for side in call.wait_connected():
        assert {c["type"] for c in side["candidates"]} >= {"host", "srflx", "relay"}
        assert "relay" in types(side), side["pair"]
    assert_good(call.wait_flowing())
    counters = browsers.server.counters()
    assert counters["relayed_to_peer"] > 0 and counters["relayed_to_client"] > 0


@scenario
def test_two_homes_behind_symmetric_nats_fail_without_a_relay(browsers):
    address = browsers.relay.v4[0]
    call = browsers.call(servers=[{"urls": f"stun:{address}:3478"}])
    assert call.wait_state("connected", "failed", seconds=60) == ["failed", "failed"]
    assert browsers.server.counters()["relayed_to_peer"] == 0


@scenario
def test_a_home_and_a_public_host_need_no_relay(browsers):
    call = browsers.call(south=browsers.office)
    for side in call.wait_connected():
        assert set(types(side)) <= DIRECT, side["pair"]
    assert_good(call.wait_flowing())


@scenario
def test_relay_only_browsers_meet_on_the_relay_and_nothing_else_shows(browsers):
    call = browsers.call(policy="relay")
    for side in call.wait_connected():
        assert {c["type"] for c in side["candidates"]} == {"relay"}
        assert types(side)[0] == "relay", side["pair"]
    assert_good(call.wait_flowing())
    # Relay to relay never leaves the relay.
    assert browsers.server.counters()["hairpinned"] > 0


@scenario
def test_two_homes_talk_over_ipv6(browsers):
    call = browsers.call(servers=browsers.turn(browsers.relay.v6[0]),
                         page=browsers.internet.site.v6[0], policy="relay")
    for side in call.wait_connected():
        assert types(side)[0] == "relay", side["pair"]
        assert browsers.relay.v6[0] in side["pair"]["local"]["url"]
    assert_good(call.wait_flowing())


@scenario
def test_a_call_goes_on_while_the_control_plane_dies_and_comes_back(browsers):
    call = browsers.call(policy="relay")
    call.wait_connected()
    before = call.wait_flowing()
    browsers.server.kill("turnpike-control")
    after = call.wait_flowing(before, frames=100, payloads=150)
    for a, b in zip(before, after):
        assert b["states"] == a["states"], "the connection noticed"
        assert types(b)[0] == "relay", b["pair"]
    assert_good(after)


@scenario
def test_a_call_comes_back_by_itself_when_the_dataplane_dies(browsers):
    from server import DATAPLANE_PROGRAM
    call = browsers.call(policy="relay")
    call.wait_connected()
    before = call.wait_flowing()
    browsers.server.kill(DATAPLANE_PROGRAM)
    after = call.wait_flowing(before, frames=100, payloads=150)
    for a, b in zip(before, after):
        assert b["candidates"] == a["candidates"], "gathered again: a new negotiation"
        assert "failed" not in [s["state"] for s in b["states"]]
        assert b["pair"]["local"] == a["pair"]["local"] and types(b)[0] == "relay"
    assert_good(after)


@scenario
def test_an_ice_restart_recovers_a_home_whose_address_changed(browsers):
    call = browsers.call()
    call.wait_connected()
    before = call.wait_flowing()
    moved = browsers.internet.nats[0]
    old = moved.v4[0]
    moved.move()
    call.browsers[0].value("call.restart()")
    after = call.wait_flowing(before, frames=100, payloads=150, seconds=60)
    gathered = {c["address"] for c in after[0]["candidates"][len(before[0]["candidates"]):]}
    assert moved.v4[0] in gathered and old not in gathered
    assert "relay" in types(after[0])
    assert_good(after)
