# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What nobody may see, and what nobody needs: secrets stay inside, privileges outside."""

import os
import pathlib
import shutil
import subprocess

import pytest

import stun
from server import BUILD, DATAPLANE_PROGRAM, SECRETS, USERS, Server

NOBODY = 65534
CONFIDENTIAL = sorted({user["password"] for user in USERS} | set(SECRETS))


def visible(pid):
    """What `ps` and /proc show of a process."""
    return b"\0".join(pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
                      for name in ("cmdline", "environ", "comm"))


def test_no_secret_is_on_a_command_line_in_an_environment_or_in_the_log(server, client):
    assert client.allocate().cls == stun.SUCCESS
    programs = server.processes()
    assert set(programs) == {"turnpike", "turnpike-control", DATAPLANE_PROGRAM}
    shown = [visible(pid).decode(errors="replace") for pid in programs.values()]
    for secret in CONFIDENTIAL:
        assert not any(secret in text for text in shown + server.log)


def test_passwords_leave_no_trace_in_the_control_plane_and_no_core_can_be_written(server, client):
    assert client.allocate().cls == stun.SUCCESS
    programs = server.processes()
    for program in ("turnpike", "turnpike-control"):
        limits = pathlib.Path(f"/proc/{programs[program]}/limits").read_text(encoding="ascii")
        line = next(x for x in limits.splitlines() if x.startswith("Max core file size"))
        assert line.split()[4:6] == ["0", "0"], line
    control = pathlib.Path(f"/proc/{programs['turnpike-control']}")
    files = [os.readlink(fd) for fd in (control / "fd").iterdir()]
    assert not [name for name in files if "turnpike-config" in name]
    assert [name for name in files if "turnpike-vault" in name]
    with open(control / "mem", "rb", buffering=0) as memory:
        for line in (control / "maps").read_text(encoding="ascii").splitlines():
            low, high = (int(x, 16) for x in line.split()[0].split("-"))
            if line.split()[1].startswith("rw") and "memfd" not in line:
                memory.seek(low)
                assert b"wonderland" not in memory.read(high - low), line


@pytest.mark.parametrize("mistake", [
    'users: [{name: alice, password: [topmost secret]}]',
    'users: [{name: alice, password: topmost secret, kez: topmost secret}]',
    'users: [{name: alice, key: topmost secret}]',
    'users: [{name: alice, password: topmost secret}, {name: alice, password: topmost secret}]',
    'secrets: {topmost secret: 1}',
    'secrets: "topmost secret"',
    'secrets: [topmost secret, topmost secret]\nusers: 7',
])
def test_errors_in_a_configuration_never_repeat_a_secret(tmp_path, mistake):
    path = tmp_path / "turnpike.yaml"
    path.write_text(mistake + "\n")
    done = subprocess.run([BUILD / "turnpike", "check", "--config", path], capture_output=True,
                          text=True)
    assert done.returncode == 1
    assert f"{path}:1: " in done.stderr or f"{path}:2: " in done.stderr, done.stderr
    assert "topmost secret" not in done.stdout + done.stderr


class Unprivileged(Server):
    """A server whose programs are nobody's and have no capability."""

    def __init__(self, host, **overrides):
        super().__init__(host, **overrides)
        os.chown(self.directory, NOBODY, NOBODY)
        os.chown(self.file, NOBODY, NOBODY)
        # In a folder of its own: the build may lie where nobody may look.
        for program in ("turnpike", "turnpike-control", "turnpike-kernel"):
            shutil.copy(BUILD / program, self.directory / program)
        command = host.command
        self.host = type("Host", (), {"__getattr__": lambda _, name: getattr(host, name)})()
        self.host.command = lambda *words: command(
            "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
            "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs",
            *(str(word).replace(str(BUILD), str(self.directory)) for word in words))


def capabilities(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {line.split()[0]: int(line.split()[1], 16) for line in status.splitlines()
            if line.startswith(("CapEff", "CapPrm", "CapBnd"))}


@pytest.mark.dataplanes("sockets")  # the others' ports and programs take privileges
def test_it_relays_without_any_privilege(relay, make_client, make_peer):
    server = Unprivileged(relay)
    try:
        server.start()
        for pid in server.processes().values():
            assert capabilities(pid) == {"CapPrm:": 0, "CapEff:": 0, "CapBnd:": 0}
        client, peer = make_client(of=server), make_peer()
        assert client.allocate().cls == stun.SUCCESS
        assert client.channel_bind(0x4000, peer.getsockname()).cls == stun.SUCCESS
        client.channel_data(0x4000, b"there")
        data, source = peer.recvfrom(2048)
        assert (data, source) == (b"there", client.relayed)
        peer.sendto(b"and back", client.relayed)
        assert client.receive_channel_data() == (0x4000, b"and back")
        server.stop()
    finally:
        server.end()
