# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""How much of everything a run does: full in twenty minutes, quick in three, smoke to see that all works."""

MODES = {
    "full": {
        "seconds": 1140, "rounds": 7, "flows": [1000, 10000, 100000, 1000000, 10000000],
        "bursts": [1, 2, 4, 8, 16, 32, 64, 128], "allocations": 1000000, "packets": 1000000,
        "wire": ["memif", "vhost"], "wire_rounds": 3,
        "clients": 1000, "sizes": ["160", "1200"], "searches": 3, "trial": 0.5,
        "load_shares": [0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5], "latency_seconds": 2,
        "storm": 10000, "storms": 5, "memory": [1000, 5000, 20000],
        "recovery_clients": 1000, "recovery_rate": 20000, "recovery_seconds": 10,
        "replay": 100000, "abuse_rate": 10000, "abuse_seconds": 4},
    "quick": {
        "seconds": 165, "rounds": 2, "flows": [1000, 1000000], "bursts": [1, 32],
        "allocations": 100000, "packets": 300000, "wire": ["memif"], "wire_rounds": 1,
        "clients": 100, "sizes": ["160"], "searches": 1, "trial": 0.2,
        "load_shares": [0.25, 0.5, 1.0, 1.5], "latency_seconds": 0.5,
        "storm": 2000, "storms": 2, "memory": [500, 2000],
        "recovery_clients": 100, "recovery_rate": 5000, "recovery_seconds": 4,
        "replay": 0, "abuse_rate": 2000, "abuse_seconds": 1},
    "smoke": {
        "seconds": 55, "rounds": 1, "flows": [1000, 2000], "bursts": [32],
        "allocations": 2000, "packets": 10000, "wire": [], "wire_rounds": 1,
        "clients": 10, "sizes": ["160"], "searches": 1, "trial": 0.05,
        "load_shares": [0.5], "latency_seconds": 0.1,
        "storm": 50, "storms": 1, "memory": [20, 60],
        "recovery_clients": 10, "recovery_rate": 500, "recovery_seconds": 1,
        "replay": 0, "abuse_rate": 500, "abuse_seconds": 0.3},
}
# Shares of the seconds that a level may take at most; what one leaves is the next one's.
SHARES = {"pure": 0.22, "port": 0.14, "xdp": 0.06, "whole": 0.30, "control": 0.20, "abuse": 0.08}
