# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Fixtures of calls between browsers. TURNPIKE_ALL=1 (./dev test --all) runs all scenarios; without it
one call is made over each dataplane."""

import os

import pytest

import chromium
from call import Call
from internet import Internet
from server import Server


def pytest_configure(config):
    config.addinivalue_line("markers", "scenario: one of many calls; all run with TURNPIKE_ALL=1")


def pytest_collection_modifyitems(config, items):
    left_out = [] if os.environ.get("TURNPIKE_ALL") else [
        item for item in items if item.get_closest_marker("scenario")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    if not chromium.PROGRAM:
        for item in items:
            if "browsers" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.skip(reason="chromium is not installed"))


class Browsers:
    """An internet with a relay, and what is needed to start calls on it."""

    def __init__(self, internet):
        self.internet = internet
        self.relay = internet.add_relay()
        self.server = Server(self.relay)
        self.calls = []
        self.north, self.south = (nat.home for nat in internet.nats)
        self.office = internet.office

    def turn(self, address=None):
        address = address or self.relay.v4[0]
        host = f"[{address}]" if ":" in address else address
        return [{"urls": f"turn:{host}:3478", "username": "alice", "credential": "wonderland"}]

    def call(self, north=None, south=None, servers=None, page=None, **more):
        """A call that has been started: between the homes, over the relay, unless told otherwise."""
        sides = [("north", north or self.north), ("south", south or self.south)]
        self.calls.append(Call(sides, self.internet.site, page or self.internet.site.v4[0],
                               servers or self.turn(), [self.relay.v4[0], self.relay.v6[0]], **more))
        return self.calls[-1].start()

    def close(self):
        for call in self.calls:
            call.close()
        self.server.end()
        self.internet.close()


@pytest.fixture
def browsers():
    it = Browsers(Internet())
    try:
        it.server.start()
        yield it
    finally:
        it.close()
