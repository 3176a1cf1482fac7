# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Charts, by gnuplot: SVG, told apart by dashes, marks and patterns so that black and white will do. What is
drawn of a document: drawn.py."""

import math
import re
import shutil
import subprocess
import textwrap

from harness.programs import Unmeasured

SETTINGS = """set terminal svg size 720,430 font 'Helvetica,13' background '#ffffff' dynamic noenhanced
set encoding utf8
set grid lc rgb '#dddddd' dt 3
set border 3
set tics nomirror
set key outside below horizontal maxcols 3
set style fill pattern 1 border lc rgb '#000000'
set offsets graph 0.02, graph 0.02, 0, 0
"""
COLOURS = ("#000000", "#b2182b", "#2166ac", "#4d9221", "#762a83", "#bf812d", "#666666", "#01665e")
PATTERNS = (1, 3, 2, 5, 4, 6, 7)  # of bars: neighbours unlike
LABELS_WIDTH, KEY_WIDTH = 96, 24  # letters under the x axis, and of titles that stand side by side
SHORT, FINER = "%.0s%c", "%.1s%c"  # 200k, 3M; between powers of ten: 1.2M


def _quoted(text):
    return '"' + str(text).replace("\\", "/").replace('"', "”").replace("\n", "\\n") + '"'


def _wrapped(label, width):
    return "\n".join("\n".join(textwrap.wrap(line, max(width, 6), break_long_words=False)) for line in label.split("\n"))


class Chart:
    """lines: {title: [(x, y), ...]}; or bars: {title: [(label, median, low, high), ...]}."""

    def __init__(self, name, title, x, y, lines=None, bars=None, logx=False, logy=False, level=None,
                 note="", tics=None):
        self.name, self.title, self.x, self.y = name, title, x, y
        self.lines, self.bars, self.logx, self.logy = lines or {}, bars or {}, logx, logy
        self.level = level  # (title, y): a line across, such as the generator's ceiling
        self.note, self.tics = note, tics  # tics: {label: x}

    def empty(self):
        return not any(self.lines.values()) and not any(self.bars.values())

    def script(self):
        head = SETTINGS + f"set title {_quoted(self.title)}\nset xlabel {_quoted(self.x)}\n" \
                          f"set ylabel {_quoted(self.y)}\n"
        if self.logx:
            head += f"set logscale x\nset format x '{SHORT}'\n"
        if self.logy:
            head += "set logscale y\n"
        if self._highest() >= 10000:
            head += f"set format y '{SHORT if self.logy else FINER}'\n"
        if self.tics:
            head += "set xtics (" + ", ".join(f"{_quoted(t)} {x}" for t, x in self.tics.items()) + ")\n"
        return head + (self._bars() if self.bars else self._lines())

    def _highest(self):
        values = [y for points in self.lines.values() for _, y in points]
        values += [high for rows in self.bars.values() for *_, high in rows]
        return max(values + ([self.level[1]] if self.level else []), default=0)

    def _across(self):
        title, y = self.level
        return f"{y} with lines lw 1.5 dt 2 lc rgb '{COLOURS[0]}' title {_quoted(title)}"

    def _lines(self):
        text = "" if self.logy else "set yrange [0:*]\n"
        plots, data = [], ""
        for n, (title, points) in enumerate((t, p) for t, p in self.lines.items() if p):
            plots.append(f"'-' using 1:2 with linespoints lw 1.8 dt {n % 5 + 1} pt {n + 4} ps 0.8 "
                         f"lc rgb '{COLOURS[n % len(COLOURS)]}' title {_quoted(title)}")
            data += "".join(f"{x} {y}\n" for x, y in sorted(points)) + "e\n"
        if self.level:
            plots.append(self._across())
        return text + "plot " + ", ".join(plots) + "\n" + data

    def _bars(self):
        bars = {title: rows for title, rows in self.bars.items() if rows}
        labels = list(dict.fromkeys(label for rows in bars.values() for label, *_ in rows))
        shown = [_wrapped(label, LABELS_WIDTH // len(labels)) for label in labels]
        titles = [*bars, *([self.level[0]] if self.level else [])]
        below = max(label.count("\n") for label in shown) + 3 + math.ceil(
            len(titles) / (3 if max(map(len, titles)) <= KEY_WIDTH else 1))
        width = 0.8 / len(bars)
        tics = ", ".join(f"{_quoted(label)} {n}" for n, label in enumerate(shown))
        text = f"set bmargin {below}\nset xtics ({tics}) font ',11'\nset xrange [-0.6:{len(labels) - 0.4}]\n" \
               f"set boxwidth {width * 0.9}\n" + ("" if self.logy else "set yrange [0:*]\n")
        plots, data = [], ""
        for n, (title, rows) in enumerate(bars.items()):
            offset = (n - (len(bars) - 1) / 2) * width
            block = "".join(f"{labels.index(label) + offset} {m} {low} {high}\n"
                            for label, m, low, high in rows) + "e\n"
            plots.append(f"'-' using 1:2 with boxes fs pattern {PATTERNS[n % len(PATTERNS)]} lc rgb "
                         f"'{COLOURS[n % len(COLOURS)]}' title {_quoted(title)}")
            # Error bars would have a point, which hides the bar's top.
            plots.append("'-' using 1:3:(0):($4-$3) with vectors nohead lw 2 lc rgb '#000000' notitle")
            data += block + block
        if self.level:
            plots.append(self._across())
        return text + "plot " + ", ".join(plots) + "\n" + data


def svg(chart):
    if not shutil.which("gnuplot"):
        raise Unmeasured("gnuplot is not installed (package gnuplot-nox).")
    done = subprocess.run(["gnuplot"], input=chart.script(), capture_output=True, text=True,
                          timeout=30, check=False)
    if done.returncode or "<svg" not in done.stdout:
        raise Unmeasured(f"gnuplot did not draw {chart.name}: {done.stderr.strip()[:300]}")
    # Several stand in one page, where ids are one space.
    return re.sub(r"""(id=['"]|href=['"]#|url\(#)""", rf"\g<1>{chart.name}-", done.stdout)
