// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What one round of a worker adds to its counters. Private memory on the way, so that the shared
// page is written once a round.
#pragma once

#include <turnpike/counters.h>

struct tally {
	uint64_t n[TP_COUNTER_COUNT];
};

static inline void tally_add(struct tally *t, unsigned int which, uint64_t n)
{
	t->n[which] += n;
}

static inline void tally_publish(struct tally *t, struct tp_counters *counters)
{
	for (unsigned int i = 0; i < TP_COUNTER_COUNT; i++) {
		if (!t->n[i])
			continue;
		tp_count(counters, i, t->n[i]);
		t->n[i] = 0;
	}
}
