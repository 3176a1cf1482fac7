// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

#include "histogram.h"

#define SAMPLES 200000u

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

// Latencies as they are: most about the same, some a thousand times as much.
static uint64_t sample(uint32_t *state)
{
	double u;

	*state = *state * 1664525u + 1013904223u;
	u = (*state >> 8) / (double)(1 << 24);
	return (uint64_t)(2000 / pow(1 - u * 0.999999, 0.7));
}

Test(turngun_histogram, percentiles_are_never_below_the_exact_ones_and_at_most_a_step_above)
{
	static const double shares[] = {0, 0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
	static struct histogram h;
	uint64_t *exact = malloc(SAMPLES * sizeof(*exact));
	uint32_t state = 1;

	for (uint32_t i = 0; i < SAMPLES; i++) {
		exact[i] = sample(&state);
		histogram_add(&h, exact[i]);
	}
	qsort(exact, SAMPLES, sizeof(*exact), ascending);
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		uint64_t rank = (uint64_t)ceil(shares[i] * SAMPLES);
		uint64_t truth = exact[rank ? rank - 1 : 0];
		uint64_t told = histogram_percentile(&h, shares[i]);

		cr_assert_geq(told, truth, "%g: %lu < %lu", shares[i], told, truth);
		cr_assert_leq(told, truth + truth / HISTOGRAM_STEPS, "%g: %lu > %lu", shares[i],
			told, truth);
	}
	cr_assert_eq(histogram_percentile(&h, 1), exact[SAMPLES - 1]);
	cr_assert_eq(h.count, SAMPLES);
	free(exact);
}

Test(turngun_histogram, every_value_is_in_a_bucket_whose_ends_are_no_further_than_told)
{
	for (uint64_t v = 0; v < 1ull << HISTOGRAM_TOP; v = v + 1 + v / 1000) {
		uint32_t i = histogram_index(v);
		uint64_t highest = histogram_highest(i);

		cr_assert_lt(i, HISTOGRAM_BUCKETS);
		cr_assert(highest >= v && highest - v <= v / HISTOGRAM_STEPS, "%lu", v);
		cr_assert(i == 0 || histogram_highest(i - 1) < v, "%lu", v);
	}
	cr_assert_eq(histogram_index((1ull << HISTOGRAM_TOP) - 1), HISTOGRAM_BUCKETS - 1);
}

Test(turngun_histogram, what_is_beyond_the_last_bucket_is_told_by_the_maximum)
{
	static struct histogram h;

	histogram_add(&h, 1ull << 40);
	cr_assert_eq(histogram_percentile(&h, 0.5), 1ull << 40);
}

Test(turngun_histogram, two_merged_are_as_one_that_saw_both)
{
	static struct histogram a, b, both;

	for (uint64_t v = 1; v < 1000000; v = v * 3 + 1) {
		histogram_add(v & 4 ? &a : &b, v);
		histogram_add(&both, v);
	}
	histogram_merge(&a, &b);
	cr_assert_arr_eq(&a, &both, sizeof(a));
}

Test(turngun_histogram, nothing_has_percentiles_of_zero)
{
	static struct histogram h;

	cr_assert_eq(histogram_percentile(&h, 0.99), 0);
}
