# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""How much of everything a run does: full in twenty minutes, quick in three, smoke to see that all works.

This is what is asked for. `seconds` is handed down as deadlines (context.py): where the machine is slower
there are fewer rounds, searches and trials, and the results say so.
"""

# Flows of a whole server in a load; the first is the one of the targets.
_FULL = [{"bytes": "160", "direction": "both", "searches": 3, "curves": True},
         {"bytes": "160", "direction": "to-peer", "searches": 2},
         {"bytes": "160", "direction": "to-client", "searches": 2},
         {"bytes": "1200", "direction": "both", "searches": 2},
         {"bytes": "turn", "direction": "both", "mix": "30 % indications, 10 % hairpin", "searches": 2,
          "session": ("--indications", "30", "--hairpin", "10")}]
_SHORT = [{"bytes": "160", "direction": "both", "curves": True}]

MODES = {
    "full": {
        "seconds": 1120, "rounds": 10, "flows": [1000, 10000, 100000, 1000000, 10000000],
        "bursts": [1, 2, 4, 8, 16, 32, 64, 128], "allocations": 1000000, "packets": 1000000,
        "wire": ["memif", "vhost"], "wire_rounds": 3,
        "clients": 1000, "cases": _FULL, "trials": 40, "trial": 0.4,
        "load_shares": [0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5], "latency_seconds": 2,
        "storm": 5000, "storms": 3, "memory": [1000, 5000, 10000], "many": 1000000,
        "recovery_clients": 1000, "recovery_rate": 20000, "recovery_seconds": 4,
        "replay": 100000, "replay_seconds": 12, "abuse_rate": 10000, "abuse_seconds": 3},
    "quick": {
        "seconds": 158, "rounds": 2, "flows": [1000, 1000000], "bursts": [1, 32],
        "allocations": 100000, "packets": 300000, "wire": ["memif"], "wire_rounds": 1,
        "clients": 100, "cases": _SHORT, "trials": 25, "trial": 0.15,
        "load_shares": [0.5, 1.0, 1.5], "latency_seconds": 0.3,
        "storm": 2000, "storms": 1, "memory": [500, 2000], "many": 0,
        "recovery_clients": 100, "recovery_rate": 5000, "recovery_seconds": 2,
        "replay": 0, "abuse_rate": 2000, "abuse_seconds": 0.5},
    "smoke": {
        "seconds": 600, "rounds": 1, "flows": [1000, 2000], "bursts": [32],
        "allocations": 2000, "packets": 10000, "wire": [], "wire_rounds": 1,
        "clients": 10, "cases": [{**_SHORT[0], "session": ("--refresh", "0.5")}], "trials": 2, "trial": 0.05,
        "load_shares": [0.5], "latency_seconds": 0.1,
        "storm": 50, "storms": 0, "memory": [20, 60], "many": 200,
        "recovery_clients": 10, "recovery_rate": 500, "recovery_seconds": 1,
        "replay": 200, "replay_seconds": 2, "abuse_rate": 500, "abuse_seconds": 0.3},
}
# Shares of the seconds that a level may take at most; what one leaves is the next one's.
SHARES = {"pure": 0.20, "port": 0.12, "xdp": 0.08, "whole": 0.31, "control": 0.22, "abuse": 0.07}
