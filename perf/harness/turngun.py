# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The generator, perf/turngun/: one session makes the allocations, then takes trials one by one."""

import json
import os
import subprocess
import threading

from harness import network
from harness.programs import Unmeasured, last_words, run

USER, PASSWORD = "alice", "wonderland"
EAL = ("--", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "--log-level=critical",
       "-m", "256")
START_SECONDS = 30
QUEUED_SECONDS = 0.02  # longer than gaps of the machine, much shorter than a trial


def program(build):
    return build / "perf/turngun/turngun"


def _command(build, wire, clients, peers, *more, command="load", where=network.CLIENT_RANGE):
    return wire.gun.command(
        program(build), command, "--wire", "net_af_xdp0,iface=gun0", "--cpu", network.gun_cpu(), "--user", USER,
        "--clients", clients, "--client", where,
        "--peers", peers, "--peer", network.PEER_RANGE, "--json", *more,
        f"{network.SERVER}:{network.PORT}", *EAL)


def environment():
    return {**os.environ, "TURNGUN_PASSWORD": PASSWORD}


def once(build, wire, clients, seconds, *more):
    """One load with its setup; damaged data (exit status 3) is in the document."""
    if not program(build).exists():
        raise Unmeasured("turngun was not built.")
    text = run(_command(build, wire, clients, min(clients, 10), *more), START_SECONDS + seconds,
               accept=(0, 3), env=environment())
    return json.loads(text)


class Session:
    """turngun --trials over a wire; `command` ceiling: there is no server, and none is asked."""

    def __init__(self, build, wire, clients, *more, command="load", where=network.CLIENT_RANGE,
                 seconds=START_SECONDS, all_made=True):
        if not program(build).exists():
            raise Unmeasured("turngun was not built.")
        self.process = subprocess.Popen(
            _command(build, wire, clients, min(clients, 10), "--trials", *more, command=command,
                     where=where), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment(), start_new_session=True)
        self.setup = self._answer(seconds)["setup"]
        if not self.setup:
            return
        made = self.setup["allocate"]["made"]
        if made < (clients if all_made else 1):
            self.close()
            raise Unmeasured(f"the server made {made} of {clients} allocations: "
                             f"{self.setup['allocate']['errors']}")

    def _answer(self, seconds):
        # Its end, if it hangs: readline() then returns.
        watch = threading.Timer(seconds, self.process.kill)
        watch.start()
        try:
            line = self.process.stdout.readline()
        finally:
            watch.cancel()
        if not line:
            status = self.process.wait()
            raise Unmeasured(f"turngun ended with {status}: "
                             f"{last_words(self.process.stderr.read())}")
        return json.loads(line)

    def trial(self, seconds, rate=None, **more):
        words = [f"rate={int(rate) if rate else 'max'}", f"seconds={seconds}"]
        words += [f"{k}={v}" for k, v in more.items()]
        self.begin(*words)
        return self.end(seconds)

    def begin(self, *words):
        try:
            self.process.stdin.write(" ".join(words) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Unmeasured("turngun has ended: " +
                             last_words(self.process.stderr.read())) from None

    def end(self, seconds):
        return self._answer(START_SECONDS + seconds)

    def kill(self):
        """Without an end: the allocations stay."""
        self.process.kill()
        self.process.wait()
        self.close()

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def lost_share(trial):
    """Of what was meant to leave: what the wire did not take counts as lost too (a generator that
    falls behind must not look like a server without loss), and so does what was still under way when
    the last was sent, beyond what is offered in QUEUED_SECONDS: a thousand sockets hold all of a short
    trial, and what is in them has not been relayed at that rate."""
    load = trial["load"]
    total = load["total"]
    if not total["offered"]:
        return 1.0
    queued = total["received"] - total["received_pps"] * load["seconds"]
    late = max(0, queued - total["offered"] / load["seconds"] * QUEUED_SECONDS)
    return (total["lost"] + total["unsent"] + late) / total["offered"]


def relay_loss(trial):
    """Of what left: for figures about a server, where a generator that had to wait says nothing."""
    total = trial["load"]["total"]
    return total["lost"] / total["sent"] if total["sent"] else 1.0


def damage(trial):
    total = trial["load"]["total"]
    return {k: total[k] for k in ("corrupt", "misdelivered", "bad_checksum") if total[k]}
