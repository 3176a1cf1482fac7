// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Counts of values in buckets that grow with the value: linear below 2 * HISTOGRAM_STEPS, and above it
// HISTOGRAM_STEPS of them for each power of two. So a value is told with a relative error of at most
// 1 / HISTOGRAM_STEPS, whatever its size.
#pragma once

#include <stdint.h>

#define HISTOGRAM_BITS 7u
#define HISTOGRAM_STEPS (1u << HISTOGRAM_BITS)
#define HISTOGRAM_TOP 36u // values from 2^36 on are counted as the largest below (in ns: 68 s)
#define HISTOGRAM_BUCKETS ((HISTOGRAM_TOP - HISTOGRAM_BITS + 1) * HISTOGRAM_STEPS)

struct histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

static inline uint32_t histogram_index(uint64_t value)
{
	uint32_t shift;

	if (value < 2 * HISTOGRAM_STEPS)
		return (uint32_t)value;
	if (value >> HISTOGRAM_TOP)
		return HISTOGRAM_BUCKETS - 1;
	shift = 63u - HISTOGRAM_BITS - (uint32_t)__builtin_clzll(value);
	return shift * HISTOGRAM_STEPS + (uint32_t)(value >> shift);
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
	h->count++;
	h->sum += value;
	h->max = value > h->max ? value : h->max;
	h->bucket[histogram_index(value)]++;
}

// The highest value that a bucket takes.
uint64_t histogram_highest(uint32_t index);
// The value that `share` (0 to 1) of all are at most, by nearest rank, no less than exact and no more than
// 1 / HISTOGRAM_STEPS above it. 0 of an empty one.
uint64_t histogram_percentile(const struct histogram *h, double share);
void histogram_merge(struct histogram *into, const struct histogram *from);
