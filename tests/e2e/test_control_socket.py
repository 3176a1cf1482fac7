# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The control socket in the hands of somebody slow, greedy, confused or gone: it goes on answering,
and so does the relay."""

import contextlib
import json
import socket

import pytest

import lab as internet
from rfc import numbers as n
from rfc.client import Client
from server import running

# The dataplane has nothing to do with it.
pytestmark = pytest.mark.dataplanes("sockets")

STATUS = b'{"command":"status"}\n'
PATIENCE = 30  # seconds: for a machine that is busy
GARBAGE = {"no text": b"\0\xff\1\n", "an empty line": b"\n", "a list": b"[1]\n",
           "a word": b"status\n", "no such command": b'{"command":"stop"}\n', "a number": b'{"command":5}\n',
           "a zero in it": b'{"command":"status\0"}\n', "half an object": b'{"command":"status"\n',
           "two in one": b'{"command":"status"}{"command":"status"}\n'}


@pytest.fixture(scope="module")
def server(lab):
    with running(lab) as it:
        yield it


@pytest.fixture
def dial(server):
    """Makes connections."""
    with contextlib.ExitStack() as stack:
        def make(waits=True):
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))
            sock.setblocking(waits)
            sock.connect(server.config["control_socket"])
            sock.settimeout(PATIENCE)
            return sock
        yield make


@pytest.fixture(scope="module")
def call(lab, server):
    client = Client(lab.client.udp(lab.client.v4[0]), server.address(socket.AF_INET), rto=10)
    peer = lab.peer.udp(lab.peer.v4[0])
    peer.settimeout(PATIENCE)
    assert client.allocate().cls == n.SUCCESS
    assert client.bind(0x4000, internet.name(peer)).cls == n.SUCCESS
    yield client, peer
    client.close()
    peer.close()


@pytest.fixture(autouse=True)
def well(server, call):
    """After each test: whoever asks is answered, whoever relays is served, by the same programs."""
    programs = server.processes()
    yield
    assert server.ctl("status") and len(server.ctl("allocations")["allocations"]) == 1
    client, peer = call
    client.channel(0x4000, b"still there")
    assert peer.recv(100) == b"still there"
    assert client.refresh().cls == n.SUCCESS
    assert server.processes() == programs


def answer(sock):
    """All that is said before the server hangs up."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while more := sock.recv(1 << 16):
            got += more
    return got


def test_a_command_byte_by_byte_is_a_command(dial):
    sock = dial()
    for byte in STATUS:
        sock.send(bytes((byte,)))
    assert "error" not in json.loads(answer(sock))


def test_half_a_command_holds_nobody_and_is_hung_up_on(server, dial):
    halves = [dial() for _ in range(4)]
    for size, sock in zip((0, 1, 10, len(STATUS) - 1), halves):
        sock.send(STATUS[:size])
    assert server.ctl("status")
    assert [answer(sock) for sock in halves] == [b""] * 4


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_gets_a_sentence(dial, what):
    sock = dial()
    sock.sendall(GARBAGE[what])
    told = json.loads(answer(sock))
    assert set(told) == {"error"} and told["error"].endswith(".")


@pytest.mark.parametrize("size", [4096, 1 << 16, 1 << 22])
@pytest.mark.parametrize("letter", [b"x", b"[", b'"', b"\0", b"{"])
def test_a_line_without_end_is_hung_up_on(dial, letter, size):
    sock = dial()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        sock.sendall(letter * size)
    assert answer(sock) == b""


def test_more_than_one_command_gets_at_most_one_answer(dial):
    sock = dial()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        sock.sendall(STATUS * 1000)
    assert answer(sock).count(b'"error"') <= 1


def test_who_reads_nothing_holds_nobody(server, dial):
    silent = [dial() for _ in range(8)]
    for sock in silent:
        sock.sendall(b'{"command":"counters"}\n')
    assert server.ctl("status")


def test_who_leaves_in_the_middle_leaves_nothing(server, dial):
    for size in range(len(STATUS) + 1):
        sock = dial()
        sock.send(STATUS[:size])
        sock.close()
    assert server.ctl("status")


def test_a_crowd_that_says_nothing_holds_nobody(server, dial):
    """As many as the socket lets in, and those that wait behind them."""
    crowd = []
    with contextlib.suppress(BlockingIOError):
        for _ in range(64):
            crowd.append(dial(waits=False))
    assert len(crowd) > 8
    assert server.ctl("status")
