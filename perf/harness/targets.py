# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What Turnpike set out to reach, target by target, and whether a run reached it.

The targets are those of the first three milestones; `source` says which part. A target is judged by the
median alone, of the worst figure where it is about several; that the limit lies within the spread is said
beside it. What a run did not measure is neither reached nor missed.
"""

from harness import spread

CONTROL, DPDK, XDP = "control plane and sockets", "turnpike-dpdk", "XDP"
# 160 bytes of data, ChannelData and headers are 206 bytes on the wire.
FRAME, DATA = "250 bytes", "160"


def _pure(bench, flows, *names):
    return [{"level": "pure", "bench": bench, "burst": 32, "flows": flows, "what": n} for n in names]


def _port(flows, *names):
    return [{"level": "port", "side": "difference", "flows": flows, "what": n} for n in names]


def _xdp(flows, *ways):
    return [{"level": "xdp", "side": "ratio", "flows": flows, "what": f"{way}, {size} bytes"}
            for way in ways for size in (64, 250, 1250)]


def _rate(server, direction):
    """The run of least effort has both directions only."""
    return {"level": "whole", "what": "0.5 % drop rate", "server": server, "bytes": DATA,
            "direction": direction}


WAYS = ("client to peer", "peer to client")
CHANNEL_WAYS = ("IPv4 ChannelData to peer", "IPv4 peer to ChannelData")
SEND_WAYS = ("IPv4 Send to peer", "IPv4 peer to Data")

# (source, what, "at most" or "at least", limit, unit, figures of which the worst counts)
TARGETS = [
    (CONTROL, "lookup and decision, 1,000 allocations", "at most", 12, "ns/packet",
     _pure("relay_bench", 1000, *WAYS)),
    (CONTROL, "lookup and decision, 1,000,000 random", "at most", 45, "ns/packet",
     _pure("relay_bench", 1000000, *WAYS)),
    (CONTROL, "Allocate, known users, one core", "at least", 500000, "transactions/s",
     [{"level": "pure", "what": "Allocate transactions, known users"}]),
    (CONTROL, "Allocate, REST users never seen, one core", "at least", 200000, "transactions/s",
     [{"level": "pure", "what": "Allocate transactions, REST users unseen"}]),
    (CONTROL, "memory of an allocation with permission and channel", "at most", 512, "bytes",
     [{"level": "pure", "what": "memory of an allocation", "flows": (100000, 1000000)}]),
    (CONTROL, "lost when turnpike-control is killed under load", "at most", 0, "%",
     [{"level": "control", "what": "lost over offered", "killed": "turnpike-control"}]),
    (DPDK, "whole frame without I/O, 1,000 allocations", "at most", 18, "ns/packet",
     _pure("frame_bench", 1000, *WAYS)),
    (DPDK, "whole frame without I/O, 1,000,000 random", "at most", 55, "ns/packet",
     _pure("frame_bench", 1000000, *WAYS)),
    (DPDK, "above macswap, 1,000 allocations, ChannelData", "at most", 20, "ns/packet",
     _port(1000, *CHANNEL_WAYS)),
    (DPDK, "above macswap, 1,000,000 random, ChannelData", "at most", 60, "ns/packet",
     _port(1000000, *CHANNEL_WAYS)),
    (DPDK, "above macswap, 1,000 allocations, Send and Data", "at most", 40, "ns/packet",
     _port(1000, *SEND_WAYS)),
    (DPDK, "above macswap, 1,000,000 random, Send and Data", "at most", 120, "ns/packet",
     _port(1000000, *SEND_WAYS)),
    (XDP, "of a bare XDP_TX, 1,000 allocations", "at least", 0.8, "ratio", _xdp(1000, *WAYS)),
    (XDP, "of a bare XDP_TX, 100,000, peer to client", "at least", 0.6, "ratio",
     _xdp(100000, WAYS[1])),
    (XDP, "of a bare XDP_TX, 100,000, client to peer", "at least", 0.5, "ratio",
     _xdp(100000, WAYS[0])),
    (XDP, "live frames, of what coturn relays, client to peer", "at least", 15, "ratio",
     ("to-peer", WAYS[0])),
    (XDP, "live frames, of what coturn relays, peer to client", "at least", 15, "ratio",
     ("to-client", WAYS[1])),
    (XDP, "sockets, of what coturn relays, one worker", "at least", 1.15, "ratio",
     [{"level": "whole", "what": "0.5 % drop rate of coturn's", "server": "turnpike sockets",
       "bytes": DATA}]),
    (XDP, "raw sending, of what coturn relays, one worker", "at least", 1.4, "ratio",
     [{"level": "whole", "what": "0.5 % drop rate of coturn's", "server": "turnpike raw",
       "bytes": DATA}]),
]


def _matches(figure, wanted):
    """A tuple: any of these."""
    return all(figure.get(k, figure["labels"].get(k)) in (v if isinstance(v, tuple) else (v,))
               for k, v in wanted.items())


def _find(document, wanted):
    return [f for f in document["figures"] if _matches(f, wanted)]


def _beside_coturn(document, direction, way, side="relay"):
    """Packets a second of an XDP program with live frames over coturn's on a wire of the same kind: the
    generator's AF_XDP could never offer so many."""
    live = _find(document, {"level": "xdp", "side": side, "flows": 1000, "what": f"{way}, {FRAME}"})
    peer = _find(document, _rate("coturn", direction)) or _find(document, _rate("coturn", "both"))
    if not live or not peer or not peer[0]["low"] or not live[0]["low"]:
        return None
    return {"median": 1e9 / live[0]["median"] / peer[0]["median"],
            "low": 1e9 / live[0]["high"] / peer[0]["high"],
            "high": 1e9 / live[0]["low"] / peer[0]["low"]}


def _note(document, figures, limit):
    """Where the machine ends before the target does: no relay is faster than a program that only sends
    back."""
    if not isinstance(figures, tuple):
        return ""
    bare = _beside_coturn(document, *figures, side="bare")
    if not bare or bare["median"] >= limit:
        return ""
    return (f"beyond this machine: a bare XDP_TX program itself reaches {spread.number(bare['median'])} times "
            "what coturn relays")


def _measured(document, figures, least):
    """The worst; None: not all were measured."""
    if isinstance(figures, tuple):
        return _beside_coturn(document, *figures)
    found = [_find(document, wanted) for wanted in figures]
    if not all(found):
        return None
    worst = min if least else max
    return worst((f for some in found for f in some), key=lambda f: f["median"])


def judge(document):
    """[{source, what, target, unit, median, low, high, verdict, doubtful, note}] of all targets; median is
    None, and the verdict "not measured", where the run has no figure for it. doubtful: the spread holds the
    limit. note: what else is to be known; mostly empty."""
    rows = []
    for source, what, bound, limit, unit, figures in TARGETS:
        least = bound == "at least"
        row = {"source": source, "what": what, "target": f"{bound} {spread.plain(limit)}", "unit": unit,
               "median": None, "low": None, "high": None, "verdict": "not measured", "doubtful": False,
               "note": ""}
        if found := _measured(document, figures, least):
            reached = found["median"] >= limit if least else found["median"] <= limit
            row.update({k: found[k] for k in ("median", "low", "high")},
                       verdict="reached" if reached else "missed", note=_note(document, figures, limit),
                       doubtful=(found["high"] >= limit if not reached else found["low"] < limit) if least
                       else (found["low"] <= limit if not reached else found["high"] > limit))
        rows.append(row)
    return rows
