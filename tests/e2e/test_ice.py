# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""ICE by real agents, each in a home of its own, with a relay on one side or on both."""

import json
import pathlib
import queue
import subprocess
import sys
import threading

import pytest

from server import FAMILIES

HERE = pathlib.Path(__file__).parent
SECONDS = 20


class Agent:
    """A process in a namespace that speaks lines of JSON."""

    def __init__(self, home, script, *arguments):
        self.process = subprocess.Popen(
            home.command(sys.executable, HERE / script, *arguments), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.errors = queue.Queue(), []
        threading.Thread(target=self._collect, daemon=True).start()
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr),
                         daemon=True).start()

    def _collect(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                self.lines.put(line)
            else:  # GLib's debug messages, where they are asked for
                self.errors.append(line)
        self.lines.put(None)

    def hear(self):
        try:
            line = self.lines.get(timeout=SECONDS)
        except queue.Empty:
            line = None
        assert line is not None, f"nothing after {SECONDS} s: {''.join(self.errors)}"
        return json.loads(line)

    def tell(self, what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()


@pytest.fixture
def make_agent():
    made = []

    def make(*arguments):
        made.append(Agent(*arguments))
        return made[-1]
    yield make
    for agent in made:
        agent.process.kill()
        agent.process.wait()


def connect(make_agent, lab, server, script, left, right, family="v4"):
    """Lets two agents connect with these kinds of candidates, and checks what they exchanged."""
    host, port = server.address(FAMILIES[family])
    agents = [make_agent(home, script, role, host, port, "alice", "wonderland", family, kind)
              for home, role, kind in zip(lab.homes, ("controlling", "controlled"), (left, right))]
    told = [agent.hear() for agent in agents]
    for description, kind in zip(told, (left, right)):
        assert description["candidates"], "no candidates"
        assert all(f" typ {kind}" in line for line in description["candidates"]), description
    agents[0].tell(told[1])
    agents[1].tell(told[0])
    outcomes = [agent.hear() for agent in agents]
    for outcome, other in zip(outcomes, ("controlled", "controlling")):
        assert outcome.get("received") == [f"{other} {n}" for n in range(50)], outcome
    pairs = [(o["local"], o["remote"]) for o in outcomes]
    assert any("relay" in pair for pair in pairs), pairs
    for agent in agents:
        agent.tell("over")
        assert agent.process.wait(SECONDS) == 0
    return pairs


SCRIPTS = ["ice_aioice.py", "ice_nice.py"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("script", SCRIPTS)
def test_relay_to_relay(make_agent, lab, server, script, family):
    before = server.counters()["hairpinned"]
    pairs = connect(make_agent, lab, server, script, "relay", "relay", family)
    assert pairs == [("relay", "relay")] * 2
    server.expect_count("hairpinned", before + 100)


@pytest.mark.parametrize("left, right", [("host", "relay"), ("relay", "host")])
@pytest.mark.parametrize("script", SCRIPTS)
def test_host_to_relay(make_agent, lab, server, script, left, right):
    connect(make_agent, lab, server, script, left, right)
