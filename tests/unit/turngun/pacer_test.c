// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Under a clock that the test moves.

#include <criterion/criterion.h>

#include "pacer.h"

#define SECOND 1000000000ull
#define BEGIN (12345 * SECOND)

Test(turngun_pacer, after_any_time_as_many_are_due_as_the_rate_says)
{
	static const uint64_t rates[] = {1, 3, 999, 50000, 7654321, 100000000};

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		struct pacer p;
		uint64_t sent = 0, now = BEGIN;

		pacer_begin(&p, now, rates[i]);
		// Looks at odd moments, with long gaps between.
		for (uint64_t gap = 1; now < BEGIN + 2 * SECOND; gap = gap * 7 % 3000017) {
			for (uint32_t n; (n = pacer_due(&p, now, 32)); sent += n)
				for (uint32_t k = 0; k < n; k++)
					pacer_take(&p, now);
			// The first is due at once. At the very moment of one rounding may tell.
			uint64_t right = 1 +
					 (uint64_t)((now - BEGIN) * (__int128)rates[i] / SECOND);

			cr_assert(sent >= right - 1 && sent <= right + 1,
				"%lu/s after %lu ns: %lu, not %lu", rates[i], now - BEGIN, sent,
				right);
			now += gap;
		}
	}
}

Test(turngun_pacer, after_a_gap_packets_have_the_times_that_were_meant_for_them)
{
	struct pacer p;

	pacer_begin(&p, BEGIN, 1000);
	cr_assert_eq(pacer_due(&p, BEGIN + SECOND / 100, 32), 11);
	for (uint64_t k = 0; k < 11; k++)
		cr_assert_eq(pacer_take(&p, BEGIN + SECOND / 100), BEGIN + k * SECOND / 1000);
	cr_assert_eq(pacer_due(&p, BEGIN + SECOND / 100, 32), 0);
}

Test(turngun_pacer, what_was_not_taken_goes_later_with_its_old_time)
{
	struct pacer p;

	pacer_begin(&p, BEGIN, 1000);
	for (uint32_t k = 0; k < 4; k++)
		pacer_take(&p, BEGIN);
	pacer_back(&p, 3);
	cr_assert_eq(pacer_due(&p, BEGIN + SECOND / 1000, 32), 1);
	cr_assert_eq(pacer_take(&p, BEGIN + SECOND), BEGIN + SECOND / 1000);
}

Test(turngun_pacer, what_never_left_is_still_offered)
{
	struct pacer p;

	pacer_begin(&p, BEGIN, 1000);
	for (uint32_t k = 0; k < 100; k++)
		pacer_take(&p, BEGIN + SECOND);
	cr_assert_eq(pacer_waiting(&p, BEGIN + SECOND), 900);
}

Test(turngun_pacer, without_a_rate_as_many_are_due_as_fit_and_their_time_is_now)
{
	struct pacer p;

	pacer_begin(&p, BEGIN, 0);
	cr_assert_eq(pacer_due(&p, BEGIN, 32), 32);
	cr_assert_eq(pacer_take(&p, BEGIN + 77), BEGIN + 77);
	cr_assert_eq(pacer_waiting(&p, BEGIN + SECOND), 0);
}
