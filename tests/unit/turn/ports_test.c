// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Ports are free or used, and chosen at random.
#include <errno.h>

#include <criterion/criterion.h>

#include "../../../controlplane/turn/ports.h"
#include "../../race/watch.h"

#define MIN 50000u
#define MAX 50099u
#define COUNT 100u

static struct ports ports;

static void init(void)
{
	cr_assert_eq(ports_create(&ports, MIN, MAX), 0);
}

static void fini(void)
{
	ports_destroy(&ports);
}

TestSuite(turn_ports, .init = init, .fini = fini);

static uint32_t used(void)
{
	uint32_t n = 0;

	for (uint32_t p = MIN; p <= MAX; p++)
		n += ports_used(&ports, (uint16_t)p);
	return n;
}

Test(turn_ports, every_port_is_given_out_once_until_there_is_none)
{
	uint64_t seed = 1;

	for (uint32_t n = 0; n < COUNT; n++) {
		int p = ports_take(&ports, (uint32_t)random64(&seed), false);

		cr_assert(p >= (int)MIN && p <= (int)MAX);
		cr_assert_eq(used(), n + 1);
		cr_assert_eq(ports.free, COUNT - n - 1);
		cr_assert_eq(ports_take_exactly(&ports, (uint16_t)p), -EBUSY);
	}
	cr_expect_eq(ports_take(&ports, 0, false), -ENOSPC);
	cr_expect_eq(ports_take(&ports, UINT32_MAX, true), -ENOSPC);
	cr_expect_eq(ports_release(&ports, 50042), 0);
	cr_expect_eq(ports_take(&ports, UINT32_MAX, false), 50042);
}

Test(turn_ports, even_ones_are_even_until_there_is_none)
{
	uint64_t seed = 2;

	for (uint32_t n = 0; n < COUNT / 2; n++) {
		int p = ports_take(&ports, (uint32_t)random64(&seed), true);

		cr_assert(p >= (int)MIN);
		cr_assert_eq(p % 2, 0);
	}
	cr_expect_eq(ports_take(&ports, 7, true), -ENOSPC);
	cr_expect_eq(ports_take(&ports, 7, false) % 2, 1);
}

Test(turn_ports, out_of_range_or_not_taken_is_refused)
{
	cr_expect_eq(ports_take_exactly(&ports, MIN - 1), -ERANGE);
	cr_expect_eq(ports_take_exactly(&ports, MAX + 1), -ERANGE);
	cr_expect_eq(ports_release(&ports, MIN - 1), -EINVAL);
	cr_expect_eq(ports_release(&ports, MAX + 1), -EINVAL);
	cr_expect_eq(ports_release(&ports, MIN), -EINVAL);
	cr_expect_eq(ports_take_exactly(&ports, MIN), 0);
	cr_expect_eq(ports_release(&ports, MIN), 0);
	cr_expect_eq(ports_release(&ports, MIN), -EINVAL);
	cr_expect_eq(ports.free, COUNT);
}

Test(turn_ports, the_whole_range_of_numbers_works)
{
	struct ports all;

	cr_assert_eq(ports_create(&all, 1, 65535), 0);
	for (uint32_t n = 0; n < 65535; n++)
		cr_assert_geq(ports_take(&all, n * 0x9e3779b1u, false), 1);
	cr_expect_eq(ports_take(&all, 0, false), -ENOSPC);
	cr_expect_eq(ports_release(&all, 65535), 0);
	cr_expect_eq(ports_release(&all, 1), 0);
	cr_expect_eq(all.free, 2u);
	ports_destroy(&all);
}

static uint32_t even_free(const bool model[COUNT])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < COUNT; i++)
		n += !model[i] && (MIN + i) % 2 == 0;
	return n;
}

Test(turn_ports, of_a_range_that_begins_or_ends_odd_the_even_ones_are_counted)
{
	static const uint16_t ranges[][3] = {
		{10, 10, 1}, {11, 11, 0}, {10, 11, 1}, {11, 12, 1}, {10, 12, 2}, {11, 13, 1}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct ports p;

		cr_assert_eq(ports_create(&p, ranges[i][0], ranges[i][1]), 0);
		cr_expect_eq(ports_free(&p, PORTS_EVEN), ranges[i][2]);
		for (uint16_t n = 0; n < ranges[i][2]; n++)
			cr_expect_eq(ports_take(&p, 77, true) % 2, 0);
		cr_expect_eq(ports_take(&p, 77, true), -ENOSPC);
		ports_destroy(&p);
	}
}

Test(turn_ports, free_and_used_are_the_range_after_any_history)
{
	bool model[COUNT] = {false};
	uint32_t taken = 0;
	uint64_t seed = 3;

	for (uint32_t step = 0; step < 200000; step++) {
		uint64_t r = random64(&seed);
		uint32_t i = (uint32_t)(r >> 32) % COUNT;
		uint16_t p = (uint16_t)(MIN + i);
		int got;

		switch (r % 5) {
		case 0:
		case 1:
			got = ports_take(&ports, (uint32_t)(r >> 16), r % 5 == 1);
			if (got == -ENOSPC) {
				for (uint32_t k = 0; k < COUNT; k += 1 + r % 5)
					cr_assert(model[k]);
				break;
			}
			cr_assert(got >= (int)MIN && got <= (int)MAX);
			cr_assert_not(model[got - (int)MIN]);
			model[got - (int)MIN] = true;
			taken++;
			break;
		case 2:
			cr_assert_eq(ports_take_exactly(&ports, p), model[i] ? -EBUSY : 0);
			taken += !model[i];
			model[i] = true;
			break;
		default:
			cr_assert_eq(ports_release(&ports, p), model[i] ? 0 : -EINVAL);
			taken -= model[i];
			model[i] = false;
		}
		cr_assert_eq(ports.free + taken, COUNT);
		cr_assert_eq(ports_used(&ports, p), model[i]);
		if (step % 100 == 0)
			cr_assert_eq(ports_free(&ports, PORTS_EVEN), even_free(model));
		if (step % 1000 == 0)
			cr_assert_eq(used(), taken);
	}
}

// 99 degrees of freedom: a chi-square over 180 has a probability below one in a million.
static double chi_square(const uint32_t *seen, uint32_t cells, double expected)
{
	double sum = 0;

	for (uint32_t i = 0; i < cells; i++)
		sum += (seen[i] - expected) * (seen[i] - expected) / expected;
	return sum;
}

Test(turn_ports, each_is_as_likely_as_any_other)
{
	uint32_t seen[COUNT] = {0};
	uint64_t seed = 4;

	for (uint32_t n = 0; n < 100000; n++) {
		int p = ports_take(&ports, (uint32_t)(random64(&seed) >> 16), false);

		cr_assert_geq(p, (int)MIN);
		seen[p - (int)MIN]++;
		cr_assert_eq(ports_release(&ports, (uint16_t)p), 0);
	}
	cr_expect_lt(chi_square(seen, COUNT, 1000), 180.0);
}

Test(turn_ports, each_is_as_likely_as_any_other_among_many_in_use)
{
	uint32_t seen[COUNT] = {0}, held[50] = {0};
	uint64_t seed = 5;

	for (uint32_t n = 0; n < 100000; n++) {
		uint32_t *h = &held[random64(&seed) % 50];
		int p = ports_take(&ports, (uint32_t)(random64(&seed) >> 16), false);

		cr_assert_geq(p, (int)MIN);
		seen[p - (int)MIN]++;
		if (*h)
			cr_assert_eq(ports_release(&ports, (uint16_t)*h), 0);
		*h = (uint32_t)p;
	}
	cr_expect_lt(chi_square(seen, COUNT, 1000), 180.0);
}

// Over several blocks of the bits that are kept: each cell has eight even ports.
Test(turn_ports, an_even_one_is_as_likely_as_any_other_even_one)
{
	uint32_t seen[COUNT] = {0}, held[400] = {0};
	uint64_t seed = 6;

	ports_destroy(&ports);
	cr_assert_eq(ports_create(&ports, MIN, MIN + 16 * COUNT - 1), 0);
	for (uint32_t n = 0; n < 100000; n++) {
		uint32_t *h = &held[random64(&seed) % 400];
		int p = ports_take(&ports, (uint32_t)(random64(&seed) >> 16), PORTS_EVEN);

		cr_assert_geq(p, (int)MIN);
		cr_assert_eq(p % 2, 0);
		seen[(p - (int)MIN) / 16]++;
		if (*h)
			cr_assert_eq(ports_release(&ports, (uint16_t)*h), 0);
		*h = (uint32_t)p;
	}
	cr_expect_lt(chi_square(seen, COUNT, 1000), 180.0);
}

static uint32_t pairs(void)
{
	uint32_t n = 0;

	for (uint32_t p = ports.min; p + 1 < ports.min + ports.total; p++)
		n += !(p & 1) && !ports_used(&ports, (uint16_t)p) &&
		     !ports_used(&ports, (uint16_t)(p + 1));
	return n;
}

Test(turn_ports, pairs_are_even_and_next_and_counted_right_after_any_history)
{
	static const uint16_t ranges[][2] = {
		{50000, 50031}, {50001, 50031}, {50000, 50030}, {50001, 50030}, {50001, 50001}};

	for (size_t r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++) {
		uint64_t seed = 4 + r;

		ports_destroy(&ports);
		cr_assert_eq(ports_create(&ports, ranges[r][0], ranges[r][1]), 0);
		for (uint32_t step = 0; step < 20000; step++) {
			uint64_t dice = random64(&seed) >> 8;
			uint32_t free = ports.free, before = pairs();
			int p;

			if (dice % 4) {
				ports_release(
					&ports, (uint16_t)(ports.min + (dice >> 8) % ports.total));
			} else if (dice / 4 % 2) {
				ports_take(&ports, (uint32_t)(dice >> 8), PORTS_ANY);
			} else {
				p = ports_take(&ports, (uint32_t)(dice >> 8), PORTS_PAIR);
				cr_assert_eq(p > 0, before > 0);
				cr_assert_eq(ports.free, p > 0 ? free - 2 : free);
				cr_assert(p < 0 || !(p & 1));
				cr_assert(p < 0 || ports_used(&ports, (uint16_t)p));
				cr_assert(p < 0 || ports_used(&ports, (uint16_t)(p + 1)));
			}
			cr_assert_eq(ports_free(&ports, PORTS_PAIR), pairs());
		}
	}
}
