# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""All that a run has found, and the document that keeps it: results.json, schema turnpike-perf/1.

    schema, license, started, seconds, mode, arguments, machine, versions
    figures   [{level, what, labels, unit, better, values, median, low, high}]
    curves    [{level, what, labels, x, y, points: [[x, y]]}]
    missing   [{level, what, reason}]
    shortened [{level, what, asked, done}]: for want of time
    targets   [{source, what, target, unit, median, low, high, verdict, doubtful, note}]
    notes     [text]

A figure is known by its level, what it is and its labels: two documents are compared by these. What is
added later raises no version; whatever changes its meaning does.
"""

import json
import re
import time

from harness import spread

SCHEMA = "turnpike-perf/1"
NO_VALUE = "no value was measured."
LICENSE = "SPDX-License-Identifier: BSD-3-Clause"  # of a stored set of results too


class Unreadable(Exception):
    """A sentence that says what is wrong with a document."""


def _without_paths(text):
    """A document goes round: where this machine keeps its files is nobody's business."""
    return re.sub(r"(?<![\w.])/(?:[\w.+-]+/)+([\w.+-]*)", r"\1", str(text))


class Results:
    def __init__(self, mode, arguments, machine, versions, clock=time.time):
        self.clock = clock
        self.began = clock()
        self.document = {
            "schema": SCHEMA, "license": LICENSE, "mode": mode, "arguments": [_without_paths(a) for a in arguments],
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.began)),
            "seconds": 0, "machine": machine, "versions": versions,
            "figures": [], "curves": [], "missing": [], "shortened": [], "targets": [], "notes": []}

    def figure(self, level, what, unit, better, values, **labels):
        values = [float(v) for v in values]
        if values:
            self.document["figures"].append({
                "level": level, "what": what, "labels": labels, "unit": unit, "better": better,
                "values": values, **spread.summary(values)})
        else:
            self.missing(level, name({"what": what, "labels": labels}), NO_VALUE)

    def curve(self, level, what, x, y, points, **labels):
        self.document["curves"].append({"level": level, "what": what, "labels": labels, "x": x, "y": y,
                                        "points": [list(p) for p in points]})

    def missing(self, level, what, reason):
        self.document["missing"].append({"level": level, "what": what,
                                         "reason": _without_paths(reason)})

    def shortened(self, level, what, asked, done):
        self.document["shortened"].append({"level": level, "what": what, "asked": asked, "done": done})

    def note(self, text):
        self.document["notes"].append(_without_paths(text))

    def write(self, path):
        self.document["seconds"] = round(self.clock() - self.began, 1)
        text = json.dumps(self.document, indent=1)
        path.write_text(text + "\n", encoding="utf-8")


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}.") from None
    except ValueError:
        raise Unreadable(f"{path} is not JSON.") from None
    if isinstance(document, dict):
        for member in ("shortened", "targets"):  # of a later age than the schema
            document.setdefault(member, [])
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise Unreadable(f"{path} is not a document of schema {SCHEMA}.")
    return document


def key(figure):
    return (figure["level"], figure["what"], tuple(sorted(figure["labels"].items(), key=str)))


def name(figure):
    """The figure's name for people."""
    labels = ", ".join(f"{v}" if isinstance(v, str) else f"{v:,} {k}"
                       for k, v in figure["labels"].items())
    return f"{figure['what']} ({labels})" if labels else figure["what"]
