// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// When a worker sleeps. After so many rounds without work it does, shortly at first and then twice as
// long each time, up to a bound: what it may add to a packet's latency. The first frame or record
// brings it back to polling.
#pragma once

#include <stdint.h>

#define IDLE_FIRST_NS 10000u // the first sleep, where the bound is not less

struct idle {
	uint32_t polls; // empty rounds until the first sleep; 0: never
	uint32_t bound_ns; // of one sleep
	uint32_t empty; // rounds in a row, as far as they count
	uint32_t next_ns; // the next sleep
};

static inline void idle_init(struct idle *i, uint32_t polls, uint32_t bound_us)
{
	*i = (struct idle){.polls = polls, .bound_ns = bound_us * 1000};
}

// After each round, with how much there was to do. Returns for how long to sleep, nanoseconds; 0: not
// at all.
static inline uint32_t idle_after(struct idle *i, unsigned int work)
{
	uint32_t now;

	if (work || !i->polls) {
		i->empty = 0;
		return 0;
	}
	if (i->empty < i->polls) {
		i->next_ns = IDLE_FIRST_NS < i->bound_ns ? IDLE_FIRST_NS : i->bound_ns;
		if (++i->empty < i->polls)
			return 0;
	}
	now = i->next_ns;
	i->next_ns = 2 * now < i->bound_ns ? 2 * now : i->bound_ns;
	return now;
}
