# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""What every level is given: the plan, where programs are, where results go, what time is left."""

import subprocess
import sys
import time

from harness.programs import Unmeasured

PROGRESS_SECONDS = 5  # between lines of a part that takes long; on a terminal each second


class Context:
    """The run's time is handed down: a level gets a share of it, each of its parts a share of that. What
    one leaves is shared by those behind it."""

    def __init__(self, build, plan, results, quiet=False, clock=time.monotonic):
        self.build, self.plan, self.results, self.quiet = build, plan, results, quiet
        self.clock = clock
        self.end = clock() + plan["seconds"]
        self.level, self.deadline, self.shown = "", self.end, 0.0
        self.terminal = sys.stderr.isatty()

    def left(self):
        """Seconds of the innermost part that runs."""
        return self.deadline - self.clock()

    def within(self, seconds, function, *arguments):
        before = self.deadline
        self.deadline = min(before, self.clock() + seconds)
        try:
            return function(*arguments)
        finally:
            self.deadline = before

    def run_level(self, level, weight, weights, function):
        """With its share, `weight` of `weights`, of what the run has left."""
        self.level = level
        seconds = max(self.end - self.clock(), 0) * weight / weights
        self.say(f"level {level}, at most {seconds:.0f} s")
        self.within(seconds, function, self)

    def parts(self, *parts):
        """[(name, weight, function, arguments...)] of a level, in turn, each with its share of what is
        left. What can't be measured is missing, with its reason, and the rest goes on. Returns what
        each returned."""
        weights, found = sum(weight for _, weight, *_ in parts), []
        for what, weight, function, *arguments in parts:
            seconds = max(self.left(), 0) * weight / weights
            weights -= weight
            found.append(self.part(what, seconds, function, *arguments))
        return found

    def part(self, what, seconds, function, *arguments):
        """One of a level, with so many seconds at most."""
        if seconds <= 0:
            self.missing(what, "the level's time was over.")
            return None
        self.say(f"  {what}, at most {seconds:.0f} s")
        try:
            return self.within(seconds, function, *arguments)
        except (Unmeasured, AssertionError) as error:
            self.missing(what, error)
        except (OSError, subprocess.SubprocessError) as error:  # one part's trouble is not the run's
            self.missing(what, f"{type(error).__name__}: {error}")
        return None

    def say(self, text):
        if self.quiet:
            return
        self._erase()
        print(f"{self._run_left()}  {text}", file=sys.stderr, flush=True)
        self.shown = self.clock()

    def progress(self, text):
        """Within a part: now and then, and on a terminal in one line."""
        now = self.clock()
        if self.quiet or now - self.shown < (1 if self.terminal else PROGRESS_SECONDS):
            return
        if not self.terminal:
            self.say(f"    {text}")
            return
        print(f"\r\033[K{self._run_left()}      {text}", end="", file=sys.stderr,
              flush=True)
        self.shown = now

    def _run_left(self):
        left = int(max(self.end - self.clock(), 0))
        return f"{left // 60:3}:{left % 60:02} left"

    def _erase(self):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr)

    def figure(self, what, unit, better, values, **labels):
        self.results.figure(self.level, what, unit, better, values, **labels)

    def curve(self, what, x, y, points, **labels):
        self.results.curve(self.level, what, x, y, points, **labels)

    def missing(self, what, reason):
        self.say(f"  {what}: not measured: {reason}")
        self.results.missing(self.level, what, str(reason))

    def shortened(self, what, asked, done):
        """There was no time for all of it: `done` of `asked` rounds, trials, ..."""
        if done < asked:
            self.say(f"  {what}: {done} of {asked}, for want of time")
            self.results.shortened(self.level, what, asked, done)
