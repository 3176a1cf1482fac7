// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// When packets are meant to leave: at a steady pace from the beginning on, whatever became of those before
// (open loop). Times are nanoseconds of any clock.
#pragma once

#include <stdint.h>

#define PACER_FRACTION \
	20u // bits of a nanosecond: after an hour a billionth is off by less than one packet

struct pacer {
	uint64_t begin_ns;
	uint64_t step; // nanoseconds << PACER_FRACTION; 0: as many as possible
	uint64_t next; // likewise, from the beginning: when the next packet is meant to leave
};

// `rate` packets a second; 0: as many as possible, each at `now`.
static inline void pacer_begin(struct pacer *p, uint64_t now_ns, uint64_t rate)
{
	p->begin_ns = now_ns;
	// Rounded up: in no time are there more than the rate says.
	p->step = rate ? ((1000000000ull << PACER_FRACTION) + rate - 1) / rate : 0;
	p->next = 0;
}

// How many are due, up to `most`.
static inline uint32_t pacer_due(const struct pacer *p, uint64_t now_ns, uint32_t most)
{
	uint64_t elapsed = (now_ns - p->begin_ns) << PACER_FRACTION, next = p->next;
	uint32_t n = 0;

	if (!p->step)
		return most;
	for (; n < most && next <= elapsed; next += p->step)
		n++;
	return n;
}

// When the next one is meant to leave; it then counts as gone.
static inline uint64_t pacer_take(struct pacer *p, uint64_t now_ns)
{
	uint64_t at = p->begin_ns + (p->next >> PACER_FRACTION);

	p->next += p->step;
	return p->step ? at : now_ns;
}

// The last `n` did not leave after all.
static inline void pacer_back(struct pacer *p, uint32_t n)
{
	p->next -= n * p->step;
}

// How many were meant to leave before `until`, at this pace.
static inline uint64_t pacer_waiting(const struct pacer *p, uint64_t until_ns)
{
	uint64_t elapsed = (until_ns - p->begin_ns) << PACER_FRACTION;

	return p->step && p->next < elapsed ? (elapsed - p->next + p->step - 1) / p->step : 0;
}
