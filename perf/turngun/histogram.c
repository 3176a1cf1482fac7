// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "histogram.h"

#include <math.h>

uint64_t histogram_highest(uint32_t index)
{
	uint32_t shift;

	if (index < 2 * HISTOGRAM_STEPS)
		return index;
	shift = index / HISTOGRAM_STEPS - 1;
	return ((uint64_t)(index - shift * HISTOGRAM_STEPS + 1) << shift) - 1;
}

uint64_t histogram_percentile(const struct histogram *h, double share)
{
	uint64_t rank = (uint64_t)ceil(share * (double)h->count), seen = 0, value;

	if (!h->count)
		return 0;
	rank = rank ? rank : 1;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank) {
			value = histogram_highest(i);
			// The last bucket has no end, and no bucket's end counts beyond what there was.
			return value > h->max || i == HISTOGRAM_BUCKETS - 1 ? h->max : value;
		}
	}
	return h->max;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	into->count += from->count;
	into->sum += from->sum;
	into->max = from->max > into->max ? from->max : into->max;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}
