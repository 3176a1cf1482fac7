# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Charts, by gnuplot: SVG, told apart by dashes and marks so that black and white will do."""

import shutil
import subprocess

from harness.programs import Unmeasured

SETTINGS = """set terminal svg size 720,420 font 'Helvetica,13' background '#ffffff' dynamic
set encoding utf8
set grid lc rgb '#dddddd' dt 3
set border 3
set tics nomirror
set key outside below horizontal
set style fill pattern 1 border lc rgb '#000000'
"""
COLOURS = ("#000000", "#b2182b", "#2166ac", "#4d9221", "#762a83", "#bf812d", "#666666", "#01665e")


def _quoted(text):
    return "'" + str(text).replace("'", "’").replace("_", "-") + "'"


class Chart:
    """lines: {title: [(x, y), ...]}; or bars: {title: [(label, median, low, high), ...]}."""

    def __init__(self, name, title, x, y, lines=None, bars=None, logx=False, logy=False, level=None,
                 note=""):
        self.name, self.title, self.x, self.y = name, title, x, y
        self.lines, self.bars, self.logx, self.logy = lines or {}, bars or {}, logx, logy
        self.level = level  # (title, y): a line across, such as the generator's ceiling
        self.note = note

    def empty(self):
        return not any(self.lines.values()) and not any(self.bars.values())

    def script(self):
        head = SETTINGS + f"set title {_quoted(self.title)}\nset xlabel {_quoted(self.x)}\n" \
                          f"set ylabel {_quoted(self.y)}\n"
        if self.logx:
            head += "set logscale x\n"
        if self.logy:
            head += "set logscale y\n"
        return head + (self._bars() if self.bars else self._lines())

    def _across(self, number):
        title, y = self.level
        return f"{y} with lines lw 1.5 dt 2 lc rgb '{COLOURS[0]}' title {_quoted(title)}"

    def _lines(self):
        plots, data = [], ""
        for n, (title, points) in enumerate((t, p) for t, p in self.lines.items() if p):
            plots.append(f"'-' using 1:2 with linespoints lw 1.8 dt {n % 5 + 1} pt {n + 4} ps 0.8 "
                         f"lc rgb '{COLOURS[n % len(COLOURS)]}' title {_quoted(title)}")
            data += "".join(f"{x} {y}\n" for x, y in sorted(points)) + "e\n"
        if self.level:
            plots.append(self._across(len(plots)))
        return "plot " + ", ".join(plots) + "\n" + data

    def _bars(self):
        labels = list(dict.fromkeys(label for rows in self.bars.values() for label, *_ in rows))
        width = 0.8 / len(self.bars)
        tics = ", ".join(f"{_quoted(label)} {n}" for n, label in enumerate(labels))
        text = f"set xtics ({tics})\nset xrange [-0.6:{len(labels) - 0.4}]\n" \
               f"set boxwidth {width * 0.9}\n" + ("" if self.logy else "set yrange [0:*]\n")
        plots, data = [], ""
        for n, (title, rows) in enumerate(self.bars.items()):
            offset = (n - (len(self.bars) - 1) / 2) * width
            block = "".join(f"{labels.index(label) + offset} {m} {low} {high}\n"
                            for label, m, low, high in rows) + "e\n"
            plots.append(f"'-' using 1:2 with boxes fs pattern {n + 1} lc rgb "
                         f"'{COLOURS[n % len(COLOURS)]}' title {_quoted(title)}")
            plots.append("'-' using 1:2:3:4 with yerrorbars lw 1.5 pt 0 lc rgb '#000000' notitle")
            data += block + block
        if self.level:
            plots.append(self._across(len(plots)))
        return text + "plot " + ", ".join(plots) + "\n" + data


def svg(chart):
    if not shutil.which("gnuplot"):
        raise Unmeasured("gnuplot is not installed (package gnuplot-nox).")
    done = subprocess.run(["gnuplot"], input=chart.script(), capture_output=True, text=True,
                          timeout=30, check=False)
    if done.returncode or "<svg" not in done.stdout:
        raise Unmeasured(f"gnuplot did not draw {chart.name}: {done.stderr.strip()[:300]}")
    return done.stdout


# What is drawn of a document.

def _figures(document, **wanted):
    for f in document["figures"]:
        if all(f.get(k, f["labels"].get(k)) == v for k, v in wanted.items()):
            yield f


def _curve_lines(document, what, size=None, **wanted):
    return {c["labels"].get("server", c["what"]): [tuple(p) for p in c["points"]]
            for c in document["curves"]
            if c["what"] == what and (size is None or c["labels"].get("bytes") == size)
            and all(c["labels"].get(k) == v for k, v in wanted.items())}


def _rate_charts(document):
    sizes = dict.fromkeys(f["labels"]["bytes"] for f in _figures(document, what="non-drop rate"))
    for size in sizes:
        bars = {}
        for what in ("non-drop rate", "0.5 % drop rate"):
            bars[what] = [(f["labels"]["server"], f["median"], f["low"], f["high"])
                          for f in _figures(document, what=what, bytes=size) if f["median"]]
        ceiling = next(_figures(document, what="ceiling of the generator", bytes=size), None)
        level = ("ceiling of the generator", ceiling["median"]) if ceiling else None
        yield Chart(f"rate-{size}", f"Relayed, {size} bytes", "", "packets/s", bars=bars,
                    logy=any(bars.values()), level=level)
        yield Chart(f"loss-{size}", f"Loss against load, {size} bytes", "offered packets/s",
                    "lost, %", lines=_curve_lines(document, "loss against load", size), logx=True)
        for load in ("10%", "50%"):
            lines = {name: [(1 / (1 - p / 100), us) for p, us in points if p < 100]
                     for name, points in _curve_lines(document, "latency", size, load=load).items()}
            yield Chart(f"latency-{size}-{load[:-1]}",
                        f"Latency from the intended time, {size} bytes, {load} of the slowest's rate",
                        "1 / (1 - percentile): 10 is p90, 10000 is p99.99", "us", lines=lines,
                        logx=True, logy=True)


def charts(document):
    """All charts of a document that have something to show."""
    found = list(_rate_charts(document))
    for bench, what in (("relay_bench", "lookup"), ("frame_bench", "lookup and rewrite")):
        lines = {}
        for f in _figures(document, bench=bench, burst=32):
            lines.setdefault(f["what"], []).append((f["labels"]["flows"], f["median"]))
        found.append(Chart(f"flows-{bench}", f"Cost of a packet, {what}, bursts of 32", "flows",
                           "ns/packet", lines=lines, logx=True))
        lines = {}
        for f in _figures(document, bench=bench):
            if "burst" in f["labels"] and f["labels"]["flows"] in (1000, 1000000):
                lines.setdefault(f"{f['what']}, {f['labels']['flows']:,} flows", []).append(
                    (f["labels"]["burst"], f["median"]))
        lines = {k: v for k, v in lines.items() if len(v) > 1}
        found.append(Chart(f"bursts-{bench}", f"Cost of a packet, {what}", "packets in a burst",
                           "ns/packet", lines=lines, logx=True))
    found.append(Chart("memory", "Memory of all programs", "allocations", "bytes",
                       lines=_curve_lines(document, "memory"), logx=True, logy=True))
    for what, unit in (("allocations", "per second"), ("memory of an allocation", "bytes"),
                       ("first request to first relayed packet", "ms")):
        bars = {what: [(f["labels"]["server"], f["median"], f["low"], f["high"])
                       for f in _figures(document, what=what, level="control")]}
        found.append(Chart(what.replace(" ", "-"), what.capitalize(), "", unit,
                           bars=bars, logy=any(bars.values())))
    return [c for c in found if not c.empty()]
