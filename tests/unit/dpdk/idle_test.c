// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <idle.h>

#define US 1000u

Test(dpdk_idle, a_worker_sleeps_after_so_many_empty_rounds_and_each_time_longer_up_to_the_bound)
{
	static const uint32_t sleeps[] = {10, 20, 40, 80, 160, 200, 200};
	struct idle i;

	idle_init(&i, 50, 200);
	for (uint32_t round = 1; round < 50; round++)
		cr_assert_eq(idle_after(&i, 0), 0, "round %u", round);
	for (uint32_t n = 0; n < sizeof(sleeps) / sizeof(sleeps[0]); n++)
		cr_assert_eq(idle_after(&i, 0), sleeps[n] * US, "sleep %u", n);
}

Test(dpdk_idle, one_frame_brings_it_back_to_polling)
{
	struct idle i;

	idle_init(&i, 3, 200);
	for (uint32_t round = 0; round < 20; round++)
		idle_after(&i, 0);
	cr_assert_eq(idle_after(&i, 1), 0);
	cr_assert_eq(idle_after(&i, 0), 0);
	cr_assert_eq(idle_after(&i, 0), 0);
	cr_assert_eq(idle_after(&i, 0), 10 * US, "from the beginning");
}

Test(dpdk_idle, no_sleep_is_longer_than_the_bound)
{
	for (uint32_t bound = 1; bound <= 100000; bound = bound * 3 + 1) {
		struct idle i;
		uint32_t last = 0;

		idle_init(&i, 1, bound);
		for (uint32_t round = 0; round < 100; round++) {
			last = idle_after(&i, 0);
			cr_assert_gt(last, 0);
			cr_assert_leq(last, bound * US);
		}
		cr_assert_eq(last, bound * US, "and it is reached");
	}
}

Test(dpdk_idle, without_a_number_of_polls_it_never_sleeps)
{
	struct idle i;

	idle_init(&i, 0, 200);
	for (uint32_t round = 0; round < 100000; round++)
		cr_assert_eq(idle_after(&i, 0), 0);
}
