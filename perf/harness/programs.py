# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Programs that measure: run with a bound, what they say read as JSON, and what went wrong as a
sentence."""

import json
import pathlib
import subprocess


class Unmeasured(Exception):
    """Why something could not be measured, as a sentence for the report."""


def last_words(text):
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    return " / ".join(lines[-3:]) if lines else "it said nothing"


def run(command, seconds, accept=(0,), **more):
    """What it printed."""
    if not pathlib.Path(command[0]).exists() and "/" in str(command[0]):
        raise Unmeasured(f"{pathlib.Path(command[0]).name} was not built.")
    name = pathlib.Path(command[0]).name
    try:
        done = subprocess.run([str(w) for w in command], capture_output=True, text=True,
                              timeout=seconds, check=False, **more)
    except subprocess.TimeoutExpired:
        raise Unmeasured(f"{name} took more than {seconds:.0f} s.") from None
    except OSError as error:
        raise Unmeasured(f"{name}: {error.strerror}.") from None
    if done.returncode not in accept:
        raise Unmeasured(f"{name} ended with {done.returncode}: {last_words(done.stderr)}")
    return done.stdout


def run_json(command, seconds, **more):
    text = run(command, seconds, **more)
    try:
        return json.loads(text)
    except ValueError:
        raise Unmeasured(f"{command[0]} did not print JSON: {last_words(text)}") from None
