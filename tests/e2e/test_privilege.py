# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What nobody may see, and what nobody needs: secrets stay inside, privileges outside."""

import base64
import hashlib
import hmac
import os
import pathlib
import platform
import pwd
import shutil
import socket
import subprocess
import time

import pytest

import intruder
import stun
from server import (BUILD, DATAPLANE, DATAPLANE_PROGRAM, PORT, RAW, SECRETS, USERS, Server,
                    wait_until)

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


def dumpable(pid):
    """Of each mapping that can be read: whether a core file would have it, and what it holds."""
    mappings = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            low, high = (int(x, 16) for x in words[0].split("-"))
            mappings.append([low, high - low, words[1], words[-1], None])
        elif words[0] == "VmFlags:":
            mappings[-1][4] = "dd" not in words
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for low, size, rights, name, dumped in mappings:
            if "r" in rights and name not in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
                memory.seek(low)
                yield f"{low:x} {rights} {name}", dumped, memory.read(size) or b""


def test_a_core_file_would_have_no_password_secret_or_key(make_server, make_client):
    server = make_server()
    user = f"{int(time.time()) + 600}:mallory"
    password = base64.b64encode(hmac.digest(SECRETS[0].encode(), user.encode(), "sha1")).decode()
    for credentials in (user, password), ("alice", "wonderland"):
        client = make_client(socket.AF_INET, *credentials, of=server)
        assert client.allocate().cls == stun.SUCCESS
    keys = [hashlib.md5(b"alice:turnpike:wonderland").digest(),
            hashlib.sha256(b"alice:turnpike:wonderland").digest(),
            hashlib.md5(f"{user}:turnpike:{password}".encode()).digest()]
    written = [text.encode() for text in CONFIDENTIAL]
    kept = 0
    for program, pid in server.processes().items():
        for where, dumped, bytes_ in dumpable(pid):
            assert not [x for x in written if x in bytes_ and dumped], f"{program} {where}"
            found = [key for key in keys if key in bytes_]
            assert not found or not dumped, f"{program} {where}"
            kept += len(found)
    assert kept >= 2, "it has keys, and this test finds them"


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


CAPABILITIES = {name: 1 << number for name, number in
                (("KILL", 5), ("SETGID", 6), ("SETUID", 7), ("SETPCAP", 8), ("DAC_READ_SEARCH", 2),
                 ("NET_BIND_SERVICE", 10), ("NET_ADMIN", 12), ("NET_RAW", 13), ("IPC_LOCK", 14),
                 ("SYS_PTRACE", 19), ("SYS_ADMIN", 21), ("PERFMON", 38), ("BPF", 39))}


def mask(*names):
    return sum(CAPABILITIES[name] for name in names)


def status(directory):
    """{field: [words]} of a process or a thread."""
    text = (directory / "status").read_text(encoding="ascii")
    return {line.split(":")[0]: line.split()[1:] for line in text.splitlines()}


# What the dataplane is started with (which stays its bounding set), and what its threads may keep.
START, AFTERWARDS = {
    "sockets": (mask("NET_ADMIN"), 0),
    "xdp": (mask("NET_ADMIN", "PERFMON", "BPF"), mask("NET_ADMIN")),
    "tap": (mask("NET_ADMIN"), mask("NET_ADMIN")),
    "af_xdp": (mask("NET_ADMIN", "NET_RAW", "IPC_LOCK", "SYS_ADMIN", "PERFMON", "BPF"),
               mask("NET_ADMIN")),
    "memif": (mask("NET_ADMIN"), mask("NET_ADMIN")),
    "vhost": (mask("NET_ADMIN"), mask("NET_ADMIN")),
}[PORT if DATAPLANE == "dpdk" else DATAPLANE]


if RAW and DATAPLANE == "sockets":
    START |= mask("NET_RAW")
    AFTERWARDS |= mask("NET_ADMIN")  # neighbours, as with XDP

# This process may have fewer than root has elsewhere.
AVAILABLE = int(status(pathlib.Path("/proc/self"))["CapEff"][0], 16)


def test_each_program_has_a_user_and_no_capability_that_it_does_not_need(server, client):
    assert client.allocate().cls == stun.SUCCESS
    launcher = mask("DAC_READ_SEARCH", "KILL", "SETGID", "SETUID", "SETPCAP", "SYS_PTRACE") | START
    expected = {"turnpike": (launcher, launcher), "turnpike-control": (0, 0),
                DATAPLANE_PROGRAM: (START, AFTERWARDS)}
    users = set()
    for program, pid in server.processes().items():
        bounding, kept = expected[program]
        threads = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
        for thread in threads:
            it = status(thread)
            name = f"{program}: {it['Name']}"
            assert len(set(it["Uid"])) == 1 and it["Gid"] == it["Uid"], name
            users.add((program, it["Uid"][0]))
            if program != "turnpike":
                assert it["Groups"] == [], name
            assert int(it["CapBnd"][0], 16) == bounding & AVAILABLE, name
            assert int(it["CapEff"][0], 16) == int(it["CapPrm"][0], 16), name
            assert int(it["CapPrm"][0], 16) in {0, kept & AVAILABLE}, name
            assert int(it["CapAmb"][0], 16) == 0, name
            assert int(it["CapInh"][0], 16) == 0, name
            assert it["NoNewPrivs"] == ["1"], name
            assert it["Seccomp"] == ["2"], name
            assert it["Seccomp_filters"] == ["1" if program == "turnpike" else "2"], name
    assert len(users) == 3 and len({user for _, user in users}) == 3, users
    assert ("turnpike", "0") in users


def told(server):
    """{program: what `turnpikectl status` tells of it}"""
    return {p["name"]: p for p in server.ctl("status")["programs"]}


def permitted(pid):
    """The capabilities that any thread has."""
    union = 0
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        union |= int(status(thread)["CapPrm"][0], 16)
    return union


def test_status_tells_how_each_program_is_confined(server):
    wait_until(lambda: all(it["confined"] for it in told(server).values()), what="all lists")
    programs = server.processes()
    shown = server.host.run(BUILD / "turnpikectl", "--socket", server.config["control_socket"],
                            "status", capture_output=True, text=True).stdout.splitlines()
    assert told(server).keys() == programs.keys()
    for name, it in told(server).items():
        pid = programs[name]
        user = int(status(pathlib.Path(f"/proc/{pid}"))["Uid"][1])
        assert it["pid"] == pid and it["seccomp"] and it["no_new_privs"], it
        assert it["user"] in {str(user), *(p.pw_name for p in pwd.getpwall() if p.pw_uid == user)}
        assert mask(*(c.upper() for c in it["capabilities"])) == permitted(pid), it
        line = f"seccomp, no_new_privs, user {it['user']}, " + " ".join(
            ["capabilities", *it["capabilities"]] if it["capabilities"] else ["no capability"])
        assert [*line.split()] in [row.split()[3:] for row in shown
                                   if row.split()[:3] == [name, str(pid), "yes"]], shown


def filters(pid):
    return int(status(pathlib.Path(f"/proc/{pid}"))["Seccomp_filters"][0])


@pytest.mark.skipif(platform.machine() != "x86_64", reason="it writes registers of x86-64")
@pytest.mark.parametrize("program", ["turnpike-control", DATAPLANE_PROGRAM])
@pytest.mark.parametrize("call", sorted(intruder.CALLS))
def test_whoever_gets_into_a_program_makes_no_call_that_is_not_on_its_list(server, program, call):
    pid = server.processes()[program]
    # It may have been started a moment ago, and have but what it got from the launcher.
    wait_until(lambda: filters(pid) == 2, what=f"the list of {program}")
    intruder.inject(pid, call)
    for said in (f"{program}: the system call {call} is not on its list: it is ended. "
                 "(TURNPIKE_SECCOMP=log lets such calls pass.)",
                 f"turnpike: {program} (pid {pid}) was killed by signal 31 (Bad system call): it made "
                 "a system call that is not on its list (confine/), by a mistake of ours or in "
                 "somebody's hands."):
        wait_until(lambda: said in server.log, what=said)  # pylint: disable=cell-var-from-loop
    server.restarted(program, pid)


def test_a_whole_life_takes_no_call_that_is_not_on_a_list(make_server, make_client):
    server = make_server()
    client = make_client(of=server)
    assert client.allocate().cls == stun.SUCCESS
    assert client.refresh(0).cls == stun.SUCCESS
    server.stop()
    assert not [line for line in server.log if "is not on its list" in line]


def test_without_lists_each_program_warns(make_server, monkeypatch):
    monkeypatch.setenv("TURNPIKE_SECCOMP", "off")
    server = make_server()
    for program in ("turnpike", "turnpike-control", DATAPLANE_PROGRAM):
        said = f"{program}: WARNING: it may make any system call: TURNPIKE_SECCOMP is off."
        assert said in server.log
        assert status(pathlib.Path(f"/proc/{server.processes()[program]}"))["Seccomp"] == ["0"]
        it = told(server)[program]
        assert not it["confined"] and not it["seccomp"] and it["no_new_privs"], it


def test_only_those_who_must_can_connect(server):
    directory = pathlib.Path(server.config["control_socket"]).parent
    dataplane = pathlib.Path(f"/proc/{server.processes()[DATAPLANE_PROGRAM]}").stat()
    for path, group, mode in ((directory, 0, 0o711), (directory / "link", dataplane.st_gid, 0o660),
                              (directory / "control.sock", 0, 0o600)):
        found = path.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (0, group, mode), path
    asked = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                            BUILD / "turnpikectl", "--socket", server.config["control_socket"],
                            "status"], capture_output=True, text=True, check=False)
    assert asked.returncode != 0 and "denied" in asked.stderr, asked


def test_the_dataplane_has_a_directory_of_its_own_to_leave_logs_in(make_server):
    server = make_server()
    directory = pathlib.Path(server.config["control_socket"]).parent / "dataplane"
    dataplane = pathlib.Path(f"/proc/{server.processes()[DATAPLANE_PROGRAM]}").stat()
    found = directory.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (
        dataplane.st_uid, dataplane.st_gid, 0o700)
    server.stop()
    assert not directory.exists()


def test_no_link_in_the_place_of_that_directory_is_followed(make_server, tmp_path):
    server = make_server()
    directory = pathlib.Path(server.config["control_socket"]).parent / "dataplane"
    server.stop()
    mine = tmp_path / "mine"
    mine.mkdir()
    directory.symlink_to(mine)
    done = subprocess.run([BUILD / "turnpike", "run", "--config", server.file],
                          capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode != 0 and str(directory) in done.stderr, done
    assert mine.stat().st_uid == os.getuid()


def test_users_and_operators_are_those_of_the_configuration(make_server):
    server = make_server(run_as={"control": "60001", "dataplane": "60002", "operators": "60003"})
    programs = server.processes()
    for program, user in (("turnpike-control", "60001"), (DATAPLANE_PROGRAM, "60002")):
        assert set(status(pathlib.Path(f"/proc/{programs[program]}"))["Uid"]) == {user}
    assert os.stat(server.config["control_socket"]).st_gid == 60003
    asked = server.host.run("setpriv", f"--reuid={NOBODY}", "--regid=60003", "--clear-groups",
                            "/usr/bin/python3", "-c",
                            "import socket, sys; s = socket.socket(socket.AF_UNIX); "
                            "s.connect(sys.argv[1])", server.config["control_socket"])
    assert asked.returncode == 0


def test_a_user_that_the_host_does_not_have_is_told_before_anything_starts(tmp_path):
    path = tmp_path / "turnpike.yaml"
    path.write_text("run_as: {dataplane: nobody-of-that-name}\n")
    done = subprocess.run([BUILD / "turnpike", "run", "--config", path], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == (
        'turnpike: run_as.dataplane: this host has no user "nobody-of-that-name": make it '
        "(adduser --system), or name another.")
