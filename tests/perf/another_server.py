# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Another server, as perf/README.md says how to add one: coturn, with a thread more."""

from harness import servers


class TwoThreads(servers.Coturn):
    name = "coturn with two threads"

    def command(self):
        return *super().command()[:-1], "2"


class NotHere(servers.Server):
    name = "not here"

    @classmethod
    def unavailable(cls, build):
        return "nobody has it."
