# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The highest rate at which no more than a share of the packets is lost.

One search has one goal: 0 for the non-drop rate, 0.005 for the partial-drop rate. It is told of trials
(at whatever rate, also those of another search) and says at which rate the next one is wanted, so that
searches of several servers can take turns, trial by trial.

Noise of the machine loses packets and never finds any. So one trial that fails proves nothing: two of
three decide, unless it lost more than noise does. What is found at the end has passed twice.

The rate it begins with is a guess: steps away from it grow, from `step` on, until there is one that passes
below one that fails; then it halves what is between.
"""

import math

DECIDED = 2  # trials alike
BEYOND_NOISE = 0.2  # loss: one trial decides
FURTHEST = 2.0  # step


class Search:
    def __init__(self, goal, start, ceiling, width=0.05, floor=1000.0, step=FURTHEST):
        self.goal, self.width, self.floor, self.ceiling, self.step = goal, width, floor, ceiling, step
        self.start = min(start, ceiling)
        self.tried = {}  # rate: [passed, failed]

    def record(self, rate, loss):
        self.tried.setdefault(rate, [0, 0])[loss > self.goal] += DECIDED if loss > BEYOND_NOISE else 1

    def _step(self):
        """Squared with every rate that was tried."""
        return min(FURTHEST, self.step ** (1 << min(len(self.tried) - 1, 8)))

    def _failed(self):
        return min((r for r, (_, failed) in self.tried.items() if failed >= DECIDED), default=None)

    def _passed(self):
        """The highest that has passed oftener than failed, below all that failed."""
        failed = self._failed()
        return max((r for r, (passed, lost) in self.tried.items()
                    if passed > lost and (failed is None or r < failed)), default=None)

    def _undecided(self):
        """The lowest that has failed once and is not settled."""
        failed = self._failed()
        return min((r for r, (passed, lost) in self.tried.items()
                    if lost == 1 and passed < DECIDED and (failed is None or r < failed)),
                   default=None)

    def next(self):
        """The rate of the next trial; None: found, or nothing passes."""
        if not self.tried:
            return self.start
        undecided = self._undecided()
        if undecided is not None:
            return undecided
        good, bad = self._passed(), self._failed()
        if good is None:
            return max(bad / self._step(), self.floor) if bad > self.floor else None
        if bad is None and good < self.ceiling:
            return min(good * self._step(), self.ceiling)
        if bad is not None and bad / good > 1 + self.width:
            return math.sqrt(good * bad)
        return good if self.tried[good][0] < DECIDED else None

    def found(self):
        """The rate; 0: none passed."""
        return self._passed() or 0.0
