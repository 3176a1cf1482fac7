// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A token bucket. Time is a parameter: CLOCK_MONOTONIC in milliseconds.
#pragma once

#include <stdint.h>

struct rate {
	uint32_t each_second;
	uint32_t burst;
	uint64_t tokens; // thousandths
	uint64_t then;
};

static inline void rate_init(struct rate *r, uint32_t each_second, uint32_t burst, uint64_t now)
{
	*r = (struct rate){each_second, burst, burst * 1000ull, now};
}

// How many may go now.
static inline uint32_t rate_allows(struct rate *r, uint64_t now)
{
	if (now > r->then) {
		uint64_t passed = now - r->then < 60000 ? now - r->then : 60000;

		r->tokens += passed * r->each_second;
		if (r->tokens > r->burst * 1000ull)
			r->tokens = r->burst * 1000ull;
		r->then = now;
	}
	return (uint32_t)(r->tokens / 1000);
}

// At most what rate_allows() said.
static inline void rate_spend(struct rate *r, uint32_t n)
{
	r->tokens -= n * 1000ull;
}
