# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The servers under test: what they are started with, and how many allocations they can have here."""

import re

import pytest

from conftest import REPOSITORY
from harness import machine, servers

SCHEMA = REPOSITORY / "controlplane/config/raw.c"


def test_what_one_user_address_or_network_may_do_in_a_second_is_not_what_a_storm_measures():
    names = set(re.findall(r'TEXT\("(\w+_per_second)"', SCHEMA.read_text(encoding="utf-8")))
    relayed = {n for n in names if re.search("packets|bits", n)}  # an allocation is never offered so many
    assert relayed and names - relayed == set(servers.NOT_OF_ONE)
    assert set(servers.NOT_OF_ONE.values()) == {0}


@pytest.mark.parametrize("kind", [servers.Turnpike, servers.TurnpikeXdp, servers.Coturn])
def test_a_server_with_a_socket_for_each_allocation_has_as_many_as_there_are_descriptors(kind, monkeypatch):
    monkeypatch.setattr(machine, "descriptors", lambda: 20000)
    assert kind.most(19000) == (19000, "")
    count, why = kind.most(100000)
    assert count == 19800 and "20,000" in why
    monkeypatch.setattr(machine, "descriptors", lambda: 1 << 20)
    assert kind.most(100000) == (100000, "")


def test_turnpike_dpdk_needs_no_descriptors(monkeypatch):
    monkeypatch.setattr(machine, "descriptors", lambda: 1024)
    assert servers.TurnpikeDpdk.most(1000000) == (1000000, "")


def test_descriptors_are_raised_as_far_as_it_goes_and_never_lowered():
    before = machine.descriptors()
    assert machine.descriptors() == before >= 256
