// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The clock of everything that is shared: heartbeats, expiries, when a punt came.
#pragma once

#include <stdint.h>
#include <time.h>

// CLOCK_MONOTONIC, milliseconds. For the outermost loop: below it, time is a parameter.
static inline uint64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
