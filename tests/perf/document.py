# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Documents to compare and to draw, made by the harness's own code."""

from harness import results

MACHINE = {"cpu": "Example 9000", "cpus": 2, "kernel": "6.1.0", "mitigations": {}}


def results_of(**figures):
    made = results.Results("full", [], MACHINE, {"turnpike": "1"}, clock=lambda: 1.8e9)
    for what, values in figures.items():
        made.figure("pure", what, "ns/packet", "less", values, flows=1000)
    return made


def whole():
    """One of everything that a report shows."""
    made = results_of(lookup=[10, 11, 12])
    for burst in (1, 32):
        for flows in (1000, 1000000):
            made.figure("pure", "client to peer", "ns/packet", "less", [9.5, 10 + flows / 1e5],
                        bench="relay_bench", flows=flows, burst=burst)
    case = {"bytes": "160", "direction": "both"}
    for server, rate in (("ceiling", 2e6), ("turnpike sockets", 200e3), ("coturn <4>", 90e3)):
        for what in ("non-drop rate", "0.5 % drop rate"):
            made.figure("whole", what, "packets/s", "more", [rate, rate * 1.1], server=server,
                        **case)
        made.curve("whole", "loss against load", "offered packets/s", "lost, %",
                   [(rate / 2, 0), (rate * 2, 50)], server=server, **case)
        made.curve("whole", "latency", "percentile", "us", [(50, 40), (99, 90), (99.99, 400)], server=server,
                   load="10%", **case)
        made.curve("control", "memory", "allocations", "bytes", [(1000, 5e6), (5000, 2e7)], server=server)
        made.figure("control", "allocations", "per second", "more", [3000], server=server)
        made.figure("control", "time that what was lost stands for", "ms", "less", [5], server=server,
                    killed="turnpike-kernel", allocations=1000)
        for beside in ("nothing else", "garbage"):
            made.figure("abuse", "calls lose", "%", "less", [1], server=server, beside=beside)
        made.figure("abuse", "the flood", "packets/s", "more", [5e5], server=server, beside="garbage")
    for side, ns in (("macswap", 6), ("relay", 30), ("difference", 24)):
        made.figure("port", "IPv4 ChannelData to peer", "ns/packet", "less", [ns], side=side, flows=1000)
    made.figure("port", "time stamp counter", "MHz", "more", [2000])
    for side, ns in (("bare", 400), ("relay", 500)):
        made.figure("xdp", "client to peer, 250 bytes", "ns/packet", "less", [ns], side=side, flows=1000)
    made.missing("xdp", "everything", "it takes <root>.")
    made.note("A note.")
    return made
