# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Runs fuzz targets for some time and says what came of it (./dev fuzz)."""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
STATUS = re.compile(r"^#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)/", re.M)
KEPT_BYTES = 4096  # a larger input is not worth its place in the tree
HEADS = ["target", "minutes", "executions", "per second", "edges", "of", "features", "inputs", "finding"]


def known():
    return sorted(f[: -len("_fuzz.c")] for f in os.listdir(HERE) if f.endswith("_fuzz.c"))


class Target:
    """A target, its binary, and the folders it reads and writes."""

    def __init__(self, name, build):
        self.name = name
        self.binary = os.path.join(build, "tests/fuzz", name + "_fuzz")
        self.found = os.path.join(build, "corpus", name)
        self.kept = os.path.join(HERE, "corpus", name)
        self.prefix = os.path.join(build, name + "-")
        self.log = os.path.join(build, name + ".log")
        os.makedirs(self.found, exist_ok=True)

    def run(self, seconds, megabytes):
        """Fuzzes it; what it found stays in `found`, an input that breaks it at `prefix`."""
        command = [self.binary, f"-max_total_time={seconds}", f"-rss_limit_mb={megabytes}",
                   f"-artifact_prefix={self.prefix}"]
        dictionary = os.path.join(HERE, "dictionary", self.name + ".dict")
        if os.path.exists(dictionary):
            command.append("-dict=" + dictionary)
        began = time.monotonic()
        with open(self.log, "w", encoding="utf-8") as log:
            code = subprocess.run(command + [self.found, self.kept], stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log, check=False).returncode
        return self.result(code, time.monotonic() - began)

    def result(self, code, seconds):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            text = log.read()
        last = (STATUS.findall(text) or [("0", "0", "0", "0")])[-1]
        edges = re.search(r"\((\d+) inline 8-bit counters\)", text)
        artifact = re.search(r"Test unit written to (\S+)", text)
        finding = artifact.group(1) if artifact else f"exit code {code}, see {self.log}"
        return {"target": self.name, "seconds": round(seconds), "executions": int(last[0]),
                "per_second": round(int(last[0]) / max(seconds, 1)), "edges": int(last[1]),
                "edges_total": int(edges.group(1)) if edges else 0, "features": int(last[2]),
                "inputs": int(last[3]), "finding": finding if code else None}

    def keep(self):
        """Adds to the tree what covers something new. Returns how many inputs that were."""
        before = set(os.listdir(self.kept))
        subprocess.run([self.binary, "-merge=1", "-use_counters=0", f"-max_len={KEPT_BYTES}", self.kept, self.found],
                       stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return len(set(os.listdir(self.kept)) - before)


def line(result):
    return [result["target"], f"{result['seconds'] / 60:.1f}", f"{result['executions']:,}",
            f"{result['per_second']:,}", f"{result['edges']:,}", f"{result['edges_total']:,}",
            f"{result['features']:,}", f"{result['inputs']:,}", result["finding"] or "none"]


def table(results):
    rows = [HEADS] + [line(r) for r in results]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    for row in rows:
        cells = [c.rjust(w) if 0 < i < len(row) - 1 else c.ljust(w)
                 for i, (c, w) in enumerate(zip(row, widths))]
        yield "  ".join(cells).rstrip()


def fuzz(targets, options):
    lock = threading.Lock()

    def one(target):
        result = target.run(round(options.minutes * 60), options.megabytes)
        with lock:
            print(f"{target.name}: {result['executions']:,} executions, "
                  f"{result['edges']:,} edges, found: {result['finding'] or 'nothing'}",
                  file=sys.stderr, flush=True)
        return result

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        return list(pool.map(one, targets))


def arguments():
    p = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__)
    p.add_argument("target", nargs="*", metavar="TARGET", help="default: " + " ".join(known()))
    p.add_argument("--minutes", type=float, default=1, help="for each target (1)")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at once (one a core)")
    p.add_argument("--megabytes", type=int, default=2048, help="that a target may take (2048)")
    p.add_argument("--json", metavar="FILE", help="the results, also as JSON; - for stdout, instead")
    p.add_argument("--keep", action="store_true", help="add what covers something new to tests/fuzz/corpus")
    p.add_argument("--list", action="store_true", help="name the targets and do nothing")
    p.add_argument("--build", default="build-fuzz", help=argparse.SUPPRESS)
    options = p.parse_args()
    unknown = [t for t in options.target if t not in known()]
    if unknown:
        p.error(f"there is no target {unknown[0]}; there are: {' '.join(known())}.")
    return options


def main():
    options = arguments()
    names = options.target or known()
    if options.list:
        print("\n".join(names))
        return 0
    targets = [Target(n, options.build) for n in names]
    results = fuzz(targets, options)
    if options.json == "-":
        json.dump(results, sys.stdout, indent=1)
        print()
    else:
        print("\n".join(table(results)))
    if options.json and options.json != "-":
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=1)
    for target in targets if options.keep else []:
        print(f"{target.name}: {target.keep()} inputs kept", file=sys.stderr)
    return 1 if any(r["finding"] for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
