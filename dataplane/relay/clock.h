// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The coarse clock that lines keep their expiry in: 32-bit ticks of 128 ms, good for 17 years of
// uptime. Both conversions round down, so a permission may end up to a tick early and never late.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_TICK_MS 128u
#define CLOCK_SHIFT 7

// `ms` is CLOCK_MONOTONIC in milliseconds.
static inline uint32_t clock_tick(uint64_t ms)
{
	uint64_t t = ms >> CLOCK_SHIFT;

	return t > UINT32_MAX ? UINT32_MAX : (uint32_t)t;
}

static inline uint32_t clock_earlier(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

// What expires at tick `expires` is in force before it.
static inline bool clock_live(uint32_t expires, uint32_t tick)
{
	return tick < expires;
}
