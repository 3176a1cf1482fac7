# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What changed from one run to another beyond the noise of both."""

from harness import results, spread

LEAST = 0.01  # a change of less says nothing, however quiet the machine was


def judge(before, after):
    """"better", "worse" or "" for two figures: changed only where the intervals of the medians are
    apart."""
    a_low, a_high = spread.interval(before["values"])
    b_low, b_high = spread.interval(after["values"])
    apart = a_high < b_low or b_high < a_low
    a, b = before["median"], after["median"]
    if not apart or abs(b - a) <= LEAST * max(abs(a), abs(b)):
        return ""
    return "better" if (b > a) == (after["better"] == "more") else "worse"


def compare(a, b):
    """[(name, figure before, figure after, judgement)] of all that both have; a list of names of what
    only one has; sentences about what makes the two hard to compare."""
    before = {results.key(f): f for f in a["figures"]}
    after = {results.key(f): f for f in b["figures"]}
    rows = [(results.name(after[k]), before[k], after[k], judge(before[k], after[k]))
            for k in after if k in before]
    gone = [results.name(before[k]) for k in before if k not in after]
    new = [results.name(after[k]) for k in after if k not in before]
    warnings = [f"{what} differs: {a['machine'].get(what)} and {b['machine'].get(what)}."
                for what in ("cpu", "cpus", "kernel", "mitigations")
                if a["machine"].get(what) != b["machine"].get(what)]
    if a["mode"] != b["mode"]:
        warnings.append(f"mode differs: {a['mode']} and {b['mode']}.")
    return rows, gone, new, warnings


def text(a, b, everything=False):
    rows, gone, new, warnings = compare(a, b)
    lines = [f"warning: {w}" for w in warnings]
    changed = [r for r in rows if r[3]]
    for name, x, y, judgement in (rows if everything else changed):
        part = (y["median"] / x["median"] - 1) * 100 if x["median"] else float("inf")
        lines.append(f"{judgement or 'same':6}  {x['level']:8} {name}: {spread.number(x['median'])} → "
                     f"{spread.number(y['median'])} {y['unit']} ({part:+.1f} %)")
    lines.append(f"{len(changed)} of {len(rows)} figures changed beyond the noise"
                 f" ({sum(r[3] == 'worse' for r in changed)} for the worse).")
    lines += [f"only in the first: {n}" for n in gone] + [f"only in the second: {n}" for n in new]
    return "\n".join(lines)
