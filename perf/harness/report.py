# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The report: one HTML file with everything in it, charts included, and a summary for the terminal."""

import html

from harness import charts, drawn, results, spread
from harness.programs import Unmeasured

STYLE = """body{font:15px/1.45 Helvetica,Arial,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#111}
h1{font-size:1.6em}h2{margin-top:2em;border-bottom:1px solid #999}
table{border-collapse:collapse;width:100%;font-size:13px}td,th{text-align:left;padding:.2em .6em .2em 0;
border-bottom:1px solid #ddd;vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
figure{margin:1em 0;page-break-inside:avoid}svg{max-width:100%;height:auto}.small{color:#444;font-size:13px}
tr.missed td:last-child{font-weight:bold;color:#b2182b}tr.not td{color:#666}
@media print{body{max-width:none;margin:0}}"""
LEVELS = {
    "pure": "Level 0: no I/O", "port": "Level 1: turnpike-dpdk on ports of shared memory",
    "xdp": "Level 2: the XDP program", "whole": "Level 3: whole servers, one generator",
    "control": "Control: storms, memory, deaths", "abuse": "Abuse beside established calls"}
# What the terminal shows: level, beginning of the name.
HEADLINES = (("pure", "client to peer"), ("pure", "parse and verify, SHA-1"), ("pure", "Allocate trans"),
             ("port", "IPv4 ChannelData"), ("port", "of testpmd"), ("xdp", "client to peer, 250"),
             ("whole", "ceiling"), ("whole", "non-drop"), ("whole", "0.5 %"), ("whole", "latency p99"),
             ("control", ""), ("abuse", ""))


def _text(value):
    return html.escape(str(value))


def draw(document):
    """[(chart, svg)], and what could not be drawn is noted in the document."""
    done = []
    for chart in drawn.charts(document):
        try:
            done.append((chart, charts.svg(chart)))
        except Unmeasured as error:
            document["missing"].append({"level": "charts", "what": chart.name, "reason": str(error)})
    return done


def _row(figure):
    labels = ", ".join(f"{k}: {v:,}" if isinstance(v, int) else f"{k}: {v}"
                       for k, v in figure["labels"].items())
    cells = (figure["what"], labels)
    numbers = (figure["median"], figure["low"], figure["high"])
    return ("<tr>" + "".join(f"<td>{_text(c)}</td>" for c in cells) +
            "".join(f"<td class=n>{spread.number(n)}</td>" for n in numbers) +
            f"<td class=n>{len(figure['values'])}</td><td>{_text(figure['unit'])}</td></tr>")


def _tables(document):
    head = ("<tr><th>what</th><th></th><th class=n>median</th><th class=n>lowest</th>"
            "<th class=n>highest</th><th class=n>n</th><th>unit</th></tr>")
    for level, title in LEVELS.items():
        rows = [_row(f) for f in document["figures"] if f["level"] == level]
        gone = [f"<li>{_text(m['what'])}: {_text(m['reason'])}</li>" for m in document["missing"]
                if m["level"] == level]
        cut = [f"<li>{_text(m['what'])}: {m['done']} of {m['asked']}</li>"
               for m in document["shortened"] if m["level"] == level]
        if rows or gone or cut:
            yield f"<h2>{_text(title)}</h2>"
        if rows:
            yield f"<table>{head}{''.join(rows)}</table>"
        if cut:
            yield f"<p>For want of time:</p><ul>{''.join(cut)}</ul>"
        if gone:
            yield f"<p>Not measured:</p><ul>{''.join(gone)}</ul>"


def _verdict(row):
    return row["verdict"] + (", within the spread" if row["doubtful"] else "")


def _noted(row, before):
    return before + row["note"] if row.get("note") else ""  # of a later age than the schema


def _targets(document):
    head = ("<tr><th>part</th><th>what</th><th>target</th><th class=n>median</th><th class=n>lowest</th>"
            "<th class=n>highest</th><th>unit</th><th>verdict</th></tr>")
    rows = "".join(
        f"<tr class={row['verdict'].split()[0]}>" +
        "".join(f"<td>{_text(row[k])}</td>" for k in ("source", "what", "target")) +
        "".join(f"<td class=n>{spread.number(row[k])}</td>" for k in ("median", "low", "high")) +
        f"<td>{_text(row['unit'])}</td><td>{_text(_verdict(row) + _noted(row, '; '))}</td></tr>"
        for row in document["targets"])
    return f"<h2>Targets, reached or not</h2><table>{head}{rows}</table>" if rows else ""


def _about(document):
    rows = {"run": f"{document['mode']}, {document['started']}, {document['seconds']} s, arguments: "
                   f"{' '.join(document['arguments']) or 'none'}",
            **document["machine"], **document["versions"]}
    return "<table>" + "".join(f"<tr><td>{_text(k)}</td><td>{_text(v)}</td></tr>"
                               for k, v in rows.items() if v not in ("", {}, None)) + "</table>"


def page(document, pictures):
    notes = "".join(f"<li>{_text(n)}</li>" for n in document["notes"])
    figures = "".join(f"<figure>{svg[svg.index('<svg'):]}<figcaption class=small>{_text(c.note)}"
                      "</figcaption></figure>" for c, svg in pictures)
    return (f"<!doctype html><!-- {results.LICENSE} --><html lang=en><head><meta charset=utf-8><title>Turnpike: performance"
            f"</title><style>{STYLE}</style></head><body><h1>Turnpike: performance</h1>"
            f"{_about(document)}<p class=small>Medians, with the lowest and highest of n values. On a "
            "machine that others share, trust ratios of what took turns before absolutes. How each "
            "figure is taken, and what it does not say: perf/README.md.</p>"
            f"{f'<ul>{notes}</ul>' if notes else ''}{_targets(document)}<h2>Charts</h2>{figures}{''.join(_tables(document))}"
            "</body></html>\n")


def summary(document):
    """Lines for the terminal."""
    lines = []
    for level, title in LEVELS.items():
        chosen = [f for f in document["figures"] if f["level"] == level and any(
            level == where and f["what"].startswith(begin) for where, begin in HEADLINES)]
        if chosen:
            lines.append(title)
        for f in chosen:
            labels = ", ".join(f"{v:,} {k}" if isinstance(v, int) else str(v)
                               for k, v in f["labels"].items() if k != "bench")
            lines.append(f"  {f['what'] + (f' ({labels})' if labels else ''):78} "
                         f"{spread.number(f['median']):>12} {f['unit']}  "
                         f"({spread.number(f['low'])} to {spread.number(f['high'])})")
    if document["targets"]:
        lines.append("Targets")
    for row in document["targets"]:
        figure = "" if row["median"] is None else (
            f"{spread.number(row['median'])} {row['unit']} ({spread.number(row['low'])} to "
            f"{spread.number(row['high'])})")
        lines.append(f"  {_verdict(row):27} {row['source'] + ': ' + row['what']:76} "
                     f"{row['target']:>17}  {figure}{_noted(row, '; ')}")
    for m in document["shortened"]:
        lines.append(f"for want of time: {m['level']}: {m['what']}: {m['done']} of {m['asked']}")
    for m in document["missing"]:
        lines.append(f"not measured: {m['level']}: {m['what']}: {m['reason']}")
    return "\n".join(lines)


def write(document, directory):
    """report.html and a file for each chart."""
    pictures = draw(document)
    for chart, svg in pictures:
        (directory / f"{chart.name}.svg").write_text(
            svg.replace("<svg", f"<!-- {results.LICENSE} -->\n<svg", 1), encoding="utf-8")
    (directory / "report.html").write_text(page(document, pictures), encoding="utf-8")
