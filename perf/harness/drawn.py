# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What is drawn of a document."""

from harness.charts import Chart

CEILING = "ceiling"  # the server that is none (servers.Reflector)
CEILING_TITLE = "generator's ceiling"
PERCENTILES = {"p50": 2, "p90": 10, "p99": 100, "p99.9": 1000, "p99.99": 10000}  # and 1 / (1 - p)


def _figures(document, **wanted):
    for f in document["figures"]:
        if all(f.get(k, f["labels"].get(k)) == v for k, v in wanted.items()):
            yield f


def _bar(label, f):
    return label, f["median"], f["low"], f["high"]


def _curves(document, what, **wanted):
    found = {}
    for c in document["curves"]:
        if c["what"] == what and all(c["labels"].get(k) == v for k, v in wanted.items()):
            server = c["labels"].get("server", what)
            found[CEILING_TITLE if server == CEILING else server] = [tuple(p) for p in c["points"]]
    return found


def _case_name(case):
    words = {"both": "both ways", "to-peer": "clients to peers", "to-client": "peers to clients"}
    size = "a mix of voice and video" if case["bytes"] == "turn" else f"{case['bytes']} bytes"
    return ", ".join(filter(None, (size, words[case["direction"]], case.get("mix"))))


def _whole(document):
    """Of each case: rates, loss, latency."""
    cases = {}
    for f in _figures(document, level="whole", what="non-drop rate"):
        case = {k: f["labels"][k] for k in ("bytes", "direction", "mix") if k in f["labels"]}
        cases["-".join(case[k] for k in ("bytes", "direction"))] = case
    for name, case in cases.items():
        bars = {what: [_bar(f["labels"]["server"], f)
                       for f in _figures(document, level="whole", what=what, **case)
                       if f["median"] and f["labels"]["server"] != CEILING]
                for what in ("non-drop rate", "0.5 % drop rate")}
        top = next(_figures(document, what="0.5 % drop rate", server=CEILING, **case), None)
        level = (CEILING_TITLE, top["median"]) if top and top["median"] else None
        yield Chart(f"rate-{name}", f"Relayed: {_case_name(case)}", "", "packets/s", bars=bars,
                    logy=any(bars.values()), level=level,
                    note="All on one wire with one generator, in turn; a figure near the line is the "
                         "generator's.")
        yield Chart(f"loss-{name}", f"Loss against load: {_case_name(case)}", "offered packets/s",
                    "lost, %", lines=_curves(document, "loss against load", **case), logx=True,
                    note="What the generator could not send in time counts as lost, so the ceiling has a "
                         "line of its own.")
        for load in ("10%", "50%"):
            lines = {server: [(1 / (1 - p / 100), us) for p, us in points if p < 100]
                     for server, points in _curves(document, "latency", load=load, **case).items()}
            yield Chart(f"latency-{name}-{load[:-1]}",
                        f"Latency at {load} of the slowest's rate: {_case_name(case)}",
                        "percentile", "us", lines=lines, logx=True, logy=True, tics=PERCENTILES,
                        note="From when a packet was meant to leave until the generator saw it, the same "
                             "load for all. The ceiling's line is wire and generator alone.")


def _pure(document):
    ways = ("client to peer", "peer to client", "Send to peer")
    for bench, what in (("relay_bench", "lookup"), ("frame_bench", "lookup and rewrite of a frame")):
        lines = {}
        for f in _figures(document, bench=bench, burst=32):
            lines.setdefault(f["what"], []).append((f["labels"]["flows"], f["median"]))
        yield Chart(f"flows-{bench}", f"Cost of a packet without I/O: {what}, bursts of 32", "flows",
                    "ns/packet", lines={k: v for k, v in lines.items() if k in ways}, logx=True)
        for flows in (1000, 1000000):
            lines = {}
            for f in _figures(document, bench=bench, flows=flows):
                if f["what"] in ways:
                    lines.setdefault(f["what"], []).append((f["labels"]["burst"], f["median"]))
            lines = {k: v for k, v in lines.items() if len(v) > 1}
            yield Chart(f"bursts-{bench}-{flows}", f"Cost of a packet without I/O: {what}, {flows:,} flows",
                        "packets in a burst", "ns/packet", lines=lines, logx=True,
                        tics={str(1 << n): 1 << n for n in range(8)})


def _clock_mhz(document):
    """Of the time stamp counter."""
    tsc = next(_figures(document, what="time stamp counter"), None)
    return tsc["median"] if tsc else document["machine"].get("mhz")


def _cycles(document):
    mhz = _clock_mhz(document)
    if not mhz:
        return
    lines = {}
    for what, wanted in (
            ("lookup", {"bench": "relay_bench", "burst": 32}),
            ("whole frame, no I/O", {"bench": "frame_bench", "burst": 32}),
            ("worker with a port, above macswap", {"level": "port", "side": "difference"})):
        for way, names in (("to peer", ("client to peer", "IPv4 ChannelData to peer")),
                           ("to client", ("peer to client", "IPv4 peer to ChannelData"))):
            lines[f"{what}, {way}"] = [
                (f["labels"]["flows"], f["median"] * mhz / 1000)
                for f in _figures(document, **wanted) if f["what"] in names]
    yield Chart("cycles", f"Cycles of a packet against allocations (counter of {mhz:,.0f} MHz)",
                "allocations", "cycles/packet", lines=lines, logx=True,
                note="Beyond 1,048,576 an allocation has several channels: the x axis counts flows.")


def _port(document):
    flows = sorted({f["labels"]["flows"] for f in _figures(document, level="port", side="relay")})
    for family in ("IPv4", "IPv6"):
        bars = {}
        for side in ("macswap", "relay"):
            bars[side] = [_bar(f["what"].removeprefix(f"{family} ") + f"\n{f['labels']['flows']:,}", f)
                          for n in flows
                          for f in _figures(document, level="port", side=side, flows=n)
                          if f["what"].startswith(family)]
        yield Chart(f"port-{family}", f"One core, closed loop over net_ring, by allocations: {family}", "",
                    "ns/packet", bars=bars,
                    note="What is judged is the difference: what relaying costs above moving packets.")
    for wire in ("memif", "vhost"):
        bars = {way: [_bar(f["labels"]["side"], f)
                      for f in _figures(document, level="port", wire=wire, what=way)]
                for way in ("to peer", "to client")}
        top = next(_figures(document, level="port", wire=wire, what="generator without a wire"), None)
        yield Chart(f"wire-{wire}", f"Two cores, net_{wire}: turnpike-dpdk beside dpdk-testpmd", "",
                    "packets/s", bars=bars, level=top and ("generator without a wire", top["median"]),
                    note="Reported, not judged: two processes that only poll, on CPUs that others use too.")


def _xdp(document):
    for flows in sorted({f["labels"]["flows"] for f in _figures(document, level="xdp", side="relay")}):
        bars = {}
        for side in ("bare", "relay"):
            # Nanoseconds to packets a second: the least becomes the most.
            bars[side] = [(f["what"].replace(", ", "\n"), 1e9 / f["median"], 1e9 / f["high"], 1e9 / f["low"])
                          for f in _figures(document, level="xdp", side=side, flows=flows)]
        bars["bare XDP_TX (the limit)"] = bars.pop("bare")
        bars["turnpike"] = bars.pop("relay")
        yield Chart(f"xdp-{flows}", f"The XDP program, live frames over veth, {flows:,} allocations", "",
                    "packets/s", bars=bars, note="Source, program and sink on one CPU.")


def _control(document):
    bars = {}
    for f in _figures(document, level="control", what="time that what was lost stands for"):
        bars.setdefault(f["labels"]["server"], []).append(_bar(
            f["labels"]["killed"] + f"\n{f['labels']['allocations']:,} allocations", f))
    yield Chart("recovery", "What a kill -9 costs calls, as time at the rate that was offered", "", "ms",
                bars=bars, note="The launcher stays dead; the others are restarted.")
    yield Chart("memory", "Memory of all programs of a server", "allocations", "bytes",
                lines=_curves(document, "memory"), logx=True, logy=True,
                note="Each server has room for as many allocations as it then holds.")
    for what, unit in (("allocations", "per second"), ("memory of an allocation", "bytes"),
                       ("first request to first relayed packet", "ms")):
        bars = {what: [_bar(f["labels"]["server"], f)
                       for f in _figures(document, what=what, level="control")]}
        yield Chart(what.replace(" ", "-"), what.capitalize(), "", unit, bars=bars,
                    logy=any(bars.values()))


def _abuse(document):
    bars, most = {}, {}
    for f in _figures(document, level="abuse", what="calls lose"):
        bars.setdefault(f["labels"]["beside"], []).append(_bar(f["labels"]["server"], f))
    for f in _figures(document, level="abuse", what="the flood"):
        most[f["labels"]["beside"]] = max(most.get(f["labels"]["beside"], 0), f["median"])
    note = "; ".join(f"{what}: up to {pps:,.0f} packets/s" for what, pps in most.items())
    yield Chart("abuse", "What established calls lose beside a flood", "", "lost, %", bars=bars,
                note=f"As fast as the generator's CPU lets a stranger send: {note}." if note else "")


def charts(document):
    """All charts of a document that have something to show."""
    parts = (_whole, _cycles, _pure, _port, _xdp, _control, _abuse)
    return [c for part in parts for c in part(document) if not c.empty()]
