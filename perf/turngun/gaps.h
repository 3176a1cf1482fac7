// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// When a thread that never waits didn't look at the clock: something else ran on its CPU, or its own work took
// so long. What the kernel and the hypervisor know about it beside.
#pragma once

#include <stdint.h>
#include <time.h>

#include "histogram.h"

#define GAP_NS 100000u // longer than a round of the loop with its system calls takes

struct gaps_of_kernel {
	int64_t involuntary; // context switches
	int64_t waited_ns; // for a CPU, while it could have run
	int64_t stolen_ms; // of all CPUs
}; // -1: unknown

struct gaps {
	uint64_t begin_ns;
	uint64_t last_ns;
	uint64_t end_ns;
	uint64_t count; // longer than GAP_NS
	uint64_t lost_ns; // in those
	struct gaps_of_kernel kernel; // first at the beginning, then the difference
	struct histogram looks; // nanoseconds between two
};

// CLOCK_MONOTONIC.
static inline uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// Of the calling thread, which then looks as often as it can.
void gaps_begin(struct gaps *g, uint64_t now_ns);
void gaps_end(struct gaps *g, uint64_t now_ns);

static inline void gaps_look(struct gaps *g, uint64_t now_ns)
{
	uint64_t gap = now_ns - g->last_ns;

	g->last_ns = now_ns;
	histogram_add(&g->looks, gap);
	if (gap > GAP_NS) {
		g->count++;
		g->lost_ns += gap;
	}
}
