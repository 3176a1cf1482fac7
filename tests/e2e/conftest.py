# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Fixtures: the lab, a server as usual, servers with another configuration, clients, peers."""

import os
import socket

import pytest

import rfc.client
import turn
import xdp
from lab import Lab
from server import BUILD, DATAPLANE, DATAPLANE_PROGRAM, Server, running


def pytest_configure(config):
    config.addinivalue_line("markers", "dataplanes(*names): a test of these dataplanes alone")
    config.addinivalue_line("markers", "xdp_modes(*names): and, over XDP, of these modes (xdp.py)")


def of_another(item):
    of = {"dataplanes": DATAPLANE, "xdp_modes": xdp.MODE}
    return any((mark := item.get_closest_marker(name)) and here not in mark.args
               for name, here in of.items())


def pytest_collection_modifyitems(config, items):
    # Not skipped: what is of another dataplane is no test of this one.
    others = [item for item in items if of_another(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]
    reason = None
    if os.geteuid() != 0:
        reason = "needs root: network namespaces"
    else:
        missing = [p for p in ("turnpike", DATAPLANE_PROGRAM) if not (BUILD / p).exists()]
        reason = f"{BUILD}/{missing[0]} is not built" if missing else None
    if reason:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            for it in getattr(value, "made", [value]):
                if isinstance(it, Server):
                    report.sections.append(("turnpike", it.report()))


@pytest.fixture(scope="session")
def lab():
    it = Lab()
    yield it
    it.close()


@pytest.fixture(scope="session")
def server(lab):
    """The server that most tests share: never restarted, never reconfigured."""
    with running(lab) as it:
        yield it


@pytest.fixture
def relay(lab):
    """A fresh host for a test's own server."""
    it = lab.add_relay()
    yield it
    lab.remove_relay(it)


@pytest.fixture
def make_server(relay):
    """Makes one server with a configuration of its own. A test that passes has it stop cleanly."""
    made = []

    def make(**config):
        assert not made, "one server for each host"
        made.append(Server(relay, **config))
        return made[0].start()

    make.made = made
    try:
        yield make
        for it in made:
            if it.launcher:
                it.stop()
    finally:
        for it in made:
            it.end()


@pytest.fixture
def make_client(lab, server):
    """Makes clients; deletes their allocations afterwards."""
    made = []

    def make(family=socket.AF_INET, user="alice", password="wonderland", of=None, host=0, port=0):
        sock = lab.client.udp(lab.client.address(family, host), port)
        made.append(turn.Turn(sock, (of or server).address(family), user, password))
        return made[-1]
    yield make
    for client in made:
        if client.relayed and (client.server[0] in server.host.v4 + server.host.v6):
            client.refresh(0)
        client.close()


@pytest.fixture
def client(make_client):
    return make_client()


@pytest.fixture
def allocated(make_client):
    """A client with an IPv4 allocation."""
    it = make_client()
    answer = it.allocate()
    assert answer.code is None, answer
    return it


@pytest.fixture
def make_peer(lab):
    """Makes peers: plain UDP sockets elsewhere."""
    made = []

    def make(family=socket.AF_INET, host=0, port=0):
        made.append(lab.peer.udp(lab.peer.address(family, host), port))
        return made[-1]
    yield make
    for sock in made:
        sock.close()


@pytest.fixture
def peer(make_peer):
    return make_peer()


@pytest.fixture
def make_rfc(lab, server):
    """Makes clients of the RFCs' text (rfc/); deletes their allocations afterwards."""
    made = []

    def make(of=None, family=socket.AF_INET, user="alice", password="wonderland", host=0, **how):
        sock = lab.client.udp(lab.client.address(family, host))
        made.append(rfc.client.Client(sock, (of or server).address(family), user, password, **how))
        return made[-1]
    yield make
    for it in made:
        if it.allocated and it.server[0] in server.host.v4 + server.host.v6:
            it.refresh(0)
        it.close()
