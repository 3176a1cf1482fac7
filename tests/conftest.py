# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Unsteady tests: what failed and passed on its second try (pytest --reruns 1, as CI has it).

They are defects, of the server or of the test, and are told with what they said the first time. A few
don't hold up a landing on a machine that is not ours alone; more of them do.
"""

UNSTEADY_MAX = 3  # of one run


def unsteady(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    failed = {report.nodeid for report in reporter.stats.get("failed", [])}
    return [report for report in reporter.stats.get("rerun", []) if report.nodeid not in failed]


def pytest_sessionfinish(session, exitstatus):
    if exitstatus == 0 and len(unsteady(session)) > UNSTEADY_MAX:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter):
    reports = unsteady(terminalreporter._session)
    for report in reports:
        terminalreporter.section(f"unsteady: {report.nodeid}")
        terminalreporter.line(report.longreprtext)
        for title, text in report.sections:
            terminalreporter.line(f"--- {title}\n{text}")
    if reports:
        terminalreporter.section(f"{len(reports)} passed on a second try; at most {UNSTEADY_MAX} may")
        for report in reports:
            terminalreporter.line(f"UNSTEADY {report.nodeid}")
