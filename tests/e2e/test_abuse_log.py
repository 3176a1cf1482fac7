# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The abuse log (RFC 8656 section 21.3.2): who had which relayed address, and whom they might reach."""

import base64
import calendar
import hmac
import json
import pathlib
import shutil
import tempfile
import time

import pytest

import lab as internet
import stun
from server import SECRETS, answers, wait_until


def text(endpoint):
    return f"{endpoint[0]}:{endpoint[1]}"


@pytest.fixture
def directory():
    """Where a log is to be: the launcher makes it, for turnpike-control's user."""
    parent = pathlib.Path(tempfile.mkdtemp(prefix="turnpike-log-"))
    parent.chmod(0o755)
    yield parent / "log"
    shutil.rmtree(parent)


class Log:
    def __init__(self, path):
        self.path = path

    def read(self, n):
        """The first n lines, once so many are there."""
        def lines():
            try:
                return self.path.read_text(encoding="ascii").splitlines()
            except FileNotFoundError:
                return []
        wait_until(lambda: len(lines()) >= n, 5, f"{n} lines of the abuse log")
        return [json.loads(line) for line in lines()]


def test_each_allocation_and_each_peer_is_told_once(make_server, make_client, peer, directory):
    log = Log(directory / "abuse.log")
    server = make_server(abuse_log={"file": str(log.path)})
    client = make_client(of=server)
    assert client.allocate().cls == stun.SUCCESS
    first = client.relayed
    for _ in range(2):
        assert client.create_permission(internet.name(peer)).cls == stun.SUCCESS
        assert client.channel_bind(0x4000, internet.name(peer)).cls == stun.SUCCESS
    assert client.refresh(600).lifetime == 600
    assert client.refresh(0).lifetime == 0
    lines = log.read(4)
    assert [line["event"] for line in lines] == ["allocation", "permission", "channel", "end"]
    for line in lines:
        assert line["user"] == "alice"
        assert line["client"] == text(internet.name(client.sock))
        assert line["server"] == text(client.server)
        assert line["relayed"] == text(first)
        told = calendar.timegm(time.strptime(line["time"], "%Y-%m-%dT%H:%M:%SZ"))
        assert abs(told - time.time()) < 60
    assert lines[1]["peer"] == internet.name(peer)[0]
    assert lines[2]["peer"] == text(internet.name(peer)) and lines[2]["channel"] == "0x4000"
    assert log.path.stat().st_mode & 0o007 == 0, "nobody else reads it"


def test_a_name_can_not_forge_a_line_and_no_secret_is_told(make_server, make_client, directory):
    # A name by the REST convention may be any bytes.
    name = f'{int(time.time()) + 600}:a"}}\n{{"time":"","event":"allocation\u00e9\u2028'
    password = base64.b64encode(hmac.digest(SECRETS[0].encode(), name.encode(), "sha1")).decode()
    log = Log(directory / "abuse.log")
    server = make_server(abuse_log={"file": str(log.path)})
    client = make_client(of=server, user=name, password=password)
    assert client.allocate().cls == stun.SUCCESS
    line, = log.read(1)
    assert line["user"].encode("latin-1").decode() == name
    told = log.path.read_bytes()
    for secret in (password.encode(), SECRETS[0].encode(), client.key.hex().encode(), client.nonce):
        assert secret not in told


def test_it_begins_another_file_and_goes_on_after_a_death(make_server, make_client, directory):
    log = Log(directory / "abuse.log")
    server = make_server(abuse_log={"file": str(log.path), "max_size": 4096, "files": 2})
    client = make_client(of=server)
    for n in range(40):
        if n == 20:
            server.restarted("turnpike-control", server.kill("turnpike-control"))
            answers(client)
        assert client.allocate().cls == stun.SUCCESS
        assert client.refresh(0).lifetime == 0
    names = ["abuse.log", "abuse.log.1", "abuse.log.2"]
    wait_until(lambda: sorted(f.name for f in directory.iterdir()) == names, 5, "three files")
    files = [directory / name for name in names]
    assert all(0 < f.stat().st_size <= 4096 for f in files)
    for f in files:
        for line in f.read_text(encoding="ascii").splitlines():
            assert json.loads(line)["event"] in ("allocation", "end")


def test_what_is_over_its_rate_is_counted_and_said(make_server, make_client, directory):
    log = Log(directory / "abuse.log")
    server = make_server(abuse_log={"file": str(log.path), "per_second": 1})
    clients = [make_client(of=server) for _ in range(20)]
    for client in clients:
        assert client.allocate().cls == stun.SUCCESS
    dropped = server.counters()["abuse_log_dropped"]
    assert 0 < dropped < 20

    def told():
        assert clients[0].refresh(0).lifetime == 0
        assert clients[0].allocate().cls == stun.SUCCESS
        return sum(line.get("lines", 0) for line in log.read(1)) >= dropped
    wait_until(told, 10, "a line about the lines that were dropped")
