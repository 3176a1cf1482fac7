// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// How many somebody has, and may have.
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "../../../controlplane/turn/quota.h"
#include "../../race/watch.h"

#define KEYS 40u

static const uint8_t secret[16] = "index key 123456";

static const uint8_t *key(uint32_t n)
{
	static uint8_t k[16];

	memset(k, 0, sizeof(k));
	memcpy(k + 12, &n, sizeof(n));
	return k;
}

Test(turn_quota, is_reached_at_its_limit_for_one_key_alone)
{
	struct quota q;

	cr_assert_eq(quota_create(&q, 3, 8, secret), 0);
	for (uint32_t i = 1; i <= 3; i++) {
		cr_expect_eq(quota_take(&q, key(1)), 0);
		cr_expect_eq(quota_count(&q, key(1)), i);
	}
	cr_expect_eq(quota_take(&q, key(1)), -EDQUOT);
	cr_expect_eq(quota_take(&q, key(2)), 0);
	quota_release(&q, key(1));
	cr_expect_eq(quota_take(&q, key(1)), 0);
	cr_expect_eq(quota_take(&q, key(1)), -EDQUOT);
	cr_expect_eq(quota_count(&q, key(3)), 0u);
	quota_destroy(&q);
}

Test(turn_quota, of_0_is_none_and_keeps_nothing)
{
	struct quota q;

	cr_assert_eq(quota_create(&q, 0, 2, secret), 0);
	for (uint32_t i = 0; i < 100; i++)
		cr_expect_eq(quota_take(&q, key(i % 7)), 0);
	cr_expect_eq(q.used, 0u);
	for (uint32_t i = 0; i < 100; i++)
		quota_release(&q, key(i % 7));
	quota_destroy(&q);
}

Test(turn_quota, restored_goes_over_the_limit_and_comes_back)
{
	struct quota q;

	cr_assert_eq(quota_create(&q, 2, 8, secret), 0);
	for (int i = 0; i < 5; i++)
		cr_expect_eq(quota_restore(&q, key(1)), 0);
	cr_expect_eq(quota_count(&q, key(1)), 5u);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(quota_take(&q, key(1)), -EDQUOT);
		quota_release(&q, key(1));
	}
	cr_expect_eq(quota_take(&q, key(1)), -EDQUOT);
	quota_release(&q, key(1));
	cr_expect_eq(quota_take(&q, key(1)), 0);
	quota_destroy(&q);
}

Test(turn_quota, without_room_for_another_key_says_so)
{
	struct quota q;

	cr_assert_eq(quota_create(&q, 9, 4, secret), 0);
	for (uint32_t i = 0; i < 4; i++)
		cr_expect_eq(quota_take(&q, key(i)), 0);
	cr_expect_eq(quota_take(&q, key(4)), -ENOSPC);
	cr_expect_eq(quota_take(&q, key(3)), 0);
	quota_release(&q, key(0));
	cr_expect_eq(quota_take(&q, key(4)), 0);
	quota_destroy(&q);
}

Test(turn_quota, counts_right_after_any_history)
{
	uint32_t model[KEYS] = {0}, keys = 0;
	uint64_t seed = 6;
	struct quota q;

	cr_assert_eq(quota_create(&q, 5, KEYS, secret), 0);
	for (uint32_t step = 0; step < 200000; step++) {
		uint64_t r = random64(&seed);
		uint32_t k = (uint32_t)(r >> 32) % KEYS;

		if (r % 16 == 0) {
			cr_assert_eq(quota_restore(&q, key(k)), 0);
			keys += !model[k]++;
		} else if (r % 2) {
			cr_assert_eq(quota_take(&q, key(k)), model[k] >= 5 ? -EDQUOT : 0);
			if (model[k] < 5)
				keys += !model[k]++;
		} else if (model[k]) {
			quota_release(&q, key(k));
			keys -= !--model[k];
		}
		cr_assert_eq(quota_count(&q, key(k)), model[k]);
		cr_assert_eq(q.used, keys);
	}
	for (uint32_t k = 0; k < KEYS; k++) {
		while (model[k]--)
			quota_release(&q, key(k));
	}
	cr_expect_eq(q.used, 0u);
	quota_destroy(&q);
}
