# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What every level is given: the plan, where programs are, where results go, what time is left."""

import sys
import time

from harness.programs import Unmeasured


class Context:
    def __init__(self, build, plan, results, quiet=False):
        self.build, self.plan, self.results, self.quiet = build, plan, results, quiet
        self.level, self.deadline = "", 0.0

    def begin(self, level, seconds):
        self.level, self.deadline = level, time.monotonic() + seconds
        self.say(f"level {level}: at most {seconds:.0f} s")

    def left(self):
        return self.deadline - time.monotonic()

    def say(self, text):
        if not self.quiet:
            print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)

    def figure(self, what, unit, better, values, **labels):
        self.results.figure(self.level, what, unit, better, values, **labels)

    def curve(self, what, x, y, points, **labels):
        self.results.curve(self.level, what, x, y, points, **labels)

    def missing(self, what, reason):
        self.say(f"{what}: not measured: {reason}")
        self.results.missing(self.level, what, str(reason))

    def try_to(self, what, function, *arguments):
        """Runs a part of a level. What can't be measured is missing, with its reason, and the rest
        goes on."""
        if self.left() <= 0:
            self.missing(what, "the level's time was over.")
            return None
        self.say(what)
        try:
            return function(*arguments)
        except (Unmeasured, AssertionError) as error:
            self.missing(what, error)
            return None
