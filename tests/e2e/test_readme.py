# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What README.md tells people to type does what it says."""
import os
import pathlib
import re
import signal
import subprocess

import pytest

from server import BUILD

ROOT = pathlib.Path(__file__).resolve().parents[2]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


def commands():
    return [line for block in blocks("console") for line in block.splitlines() if line]


def test_every_command_of_the_readme_is_tried_here():
    assert commands() == ["sudo ./dev run", "sudo ./dev test", "sudo ./dev demo"]


def test_dev_run_gets_ready_prints_what_a_browser_needs_and_ends_at_ctrl_c(relay):
    # As root already: sudo is what a user needs, and may be missing here. The runtime directory of
    # the namespace's own, so that a relay of this host is left alone.
    process = subprocess.Popen(
        relay.command(
            "unshare", "--mount", "sh", "-c",
            "mkdir -p /run/turnpike && mount -t tmpfs -o mode=0700 tmpfs /run/turnpike && exec ./dev run"),
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True)
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if lines[-1] == "turnpike: ready":
                break
        assert lines[-1:] == ["turnpike: ready"], lines
        text = "\n".join(lines)
        assert re.search(r"^turnpike-kernel: dataplane: (xdp|sockets), because .+$", text, re.M)
        assert re.search(r"^user: \S+\npassword: \S+\nREST secret: \S+$", text, re.M)
        assert re.search(r'^iceServers: \[\{ urls: \["turn:.+credential: "\S+" \}\]$', text, re.M)
        os.killpg(process.pid, signal.SIGINT)
        lines += [line.rstrip("\n") for line in process.stdout]
        assert process.wait() == 0, lines
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.dataplanes("sockets")
def test_dev_demo_connects_two_browsers_and_saves_what_they_show(tmp_path):
    done = subprocess.run(["./dev", "demo", "--seconds", "2", "--output", tmp_path], cwd=ROOT,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("north", "south"):
        assert re.search(rf"^{name}: candidates gathered\n(  \w.+\n)+", done.stdout, re.M)
        assert re.search(rf"^{name}: connected after \d+\.\d\d s, by .*relay", done.stdout, re.M)
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "picture, sound and payloads came through the relay" in done.stdout


@pytest.mark.parametrize("text", blocks("yaml"))
def test_the_configuration_of_the_readme_is_valid(tmp_path, text):
    path = tmp_path / "turnpike.yaml"
    path.write_text(text)
    result = subprocess.run([str(pathlib.Path(BUILD) / "turnpike"), "check", "--config", str(path)],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
