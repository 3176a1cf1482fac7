#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""check.py MODEL.pml: has spin look at every state of a model, and of each of its broken variants.

A variant is a name BREAK_... in the model: what is left out there must be found, or the check proves
nothing. Exit status: 0 when the model holds and every variant fails, 1 otherwise.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

SECONDS = 600
DEPTH = 1_000_000


def errors(model, *defines):
    """What spin found: (errors, states, its output)."""
    with tempfile.TemporaryDirectory(prefix="turnpike-model-") as folder:
        def run(*words):
            return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True,
                                  timeout=SECONDS).stdout
        run("spin", *(f"-D{name}" for name in defines), "-a", str(model))
        run("cc", "-O2", "-DSAFETY", "-DVECTORSZ=2048", "-o", "pan", "pan.c")
        said = run("./pan", f"-m{DEPTH}")
    found = re.search(r"errors: (\d+)", said)
    states = re.search(r"(\d+) states, stored", said)
    if not found or "max search depth too small" in said:
        raise SystemExit(f"{model}: the search did not end\n{said}")
    return int(found[1]), int(states[1]), said


def main():
    model = pathlib.Path(sys.argv[1]).resolve()
    count, states, said = errors(model)
    print(f"{model.name}: {states} states, {count} errors")
    if count:
        print(said)
        return 1
    variants = sorted(set(re.findall(r"BREAK_\w+", model.read_text("utf-8"))) - {"BREAK_"})
    missed = [name for name in variants if not errors(model, name)[0]]
    print(f"{len(variants)} broken variants, {len(variants) - len(missed)} found")
    for name in missed:
        print(f"not found: {name}")
    return 1 if missed or not variants else 0


if __name__ == "__main__":
    sys.exit(main())
