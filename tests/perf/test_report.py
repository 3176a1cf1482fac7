# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The report of a stored results.json."""

import re
import shutil
import xml.etree.ElementTree

import pytest

import document
from harness import __main__ as perf
from harness import charts, drawn, report, results

needs_gnuplot = pytest.mark.skipif(not shutil.which("gnuplot"), reason="gnuplot-nox is missing")


@pytest.fixture
def stored(tmp_path):
    document.whole().write(tmp_path / "results.json")
    return tmp_path / "results.json"


@needs_gnuplot
def test_a_stored_result_renders_to_a_page_of_its_own_and_files_of_charts(stored):
    perf.main(["render", str(stored)])
    page = (stored.parent / "report.html").read_text(encoding="utf-8")
    names = {f.stem for f in stored.parent.glob("*.svg")}
    assert names >= {"rate-160-both", "loss-160-both", "latency-160-both-10", "flows-relay_bench", "memory",
                      "cycles", "port-IPv4", "xdp-1000", "recovery", "abuse"}
    assert page.count("<svg") == len(names)
    assert "src=" not in page and "href=\"http" not in page  # nothing is fetched
    assert "coturn &lt;4&gt;" in page and "it takes &lt;root&gt;." in page and "A note." in page


@needs_gnuplot
def test_every_chart_is_xml_and_tells_lines_apart_without_colour(stored):
    for chart in drawn.charts(results.read(stored)):
        xml.etree.ElementTree.fromstring(charts.svg(chart))
        if len(chart.lines) > 1:
            dashes = [w for line in chart.script().splitlines() if line.startswith("plot")
                      for w in line.split("dt ")[1:]]
            assert len({d.split()[0] for d in dashes}) > 1, chart.name


def test_the_ceiling_is_in_the_chart_of_rates(stored):
    found = {c.name: c for c in drawn.charts(results.read(stored))}
    assert found["rate-160-both"].level == (drawn.CEILING_TITLE, 2.1e6)
    assert "ceiling" not in str(found["rate-160-both"].bars)
    for name in ("loss-160-both", "latency-160-both-10"):
        assert drawn.CEILING_TITLE in found[name].lines


@needs_gnuplot
def test_no_two_charts_of_a_page_share_an_id(stored):
    perf.main(["render", str(stored)])
    page = (stored.parent / "report.html").read_text(encoding="utf-8")
    ids = re.findall(r"""\bid=["']([^"']+)""", page)
    assert ids and len(ids) == len(set(ids))
    for used in re.findall(r"""(?:href=["']|url\()#([^"')]+)""", page):
        assert used in ids


def test_cycles_are_nanoseconds_times_the_counters_rate(stored):
    cycles = next(c for c in drawn.charts(results.read(stored)) if c.name == "cycles")
    assert cycles.lines["worker with a port, above macswap, to peer"] == [(1000, 48)]


def test_without_gnuplot_the_page_says_so_and_keeps_the_tables(stored, monkeypatch):
    monkeypatch.setattr(charts.shutil, "which", lambda program: None)
    found = results.read(stored)
    report.write(found, stored.parent)
    page = (stored.parent / "report.html").read_text(encoding="utf-8")
    assert "<svg" not in page and "lookup" in page
    assert any("gnuplot-nox" in m["reason"] for m in found["missing"])


def test_the_summary_names_what_is_missing_and_why(stored):
    assert "not measured: xdp: everything: it takes <root>." in report.summary(results.read(stored))
