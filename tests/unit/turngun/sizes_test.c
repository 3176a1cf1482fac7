// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>

#include <errno.h>

#include "sizes.h"

static struct sizes parsed(const char *text)
{
	struct sizes s;

	cr_assert_eq(sizes_parse(&s, text), 0, "%s", text);
	return s;
}

static uint32_t share_of(const struct sizes *s, uint16_t size)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->length; i++)
		n += s->at[i] == size;
	return n;
}

Test(turngun_sizes, each_size_has_its_share_of_the_cycle)
{
	struct sizes turn = parsed("turn"), imix = parsed("imix"), one = parsed("160"),
		     own = parsed("28:1,1440:255");

	cr_assert_eq(turn.length, 3);
	cr_assert_eq(share_of(&turn, 160), 1);
	cr_assert_eq(share_of(&turn, 1200), 2);
	cr_assert_eq(imix.length, 20);
	cr_assert_eq(share_of(&imix, 110), 10);
	cr_assert_eq(share_of(&imix, 400), 3);
	cr_assert_eq(share_of(&imix, 1200), 7);
	cr_assert_eq(one.length, 1);
	cr_assert_eq(share_of(&one, 160), 1);
	cr_assert_eq(share_of(&own, 28), 1);
	cr_assert_eq(share_of(&own, 1440), 255);
}

Test(turngun_sizes, no_size_comes_in_a_lump)
{
	struct sizes s = parsed("imix");
	uint32_t small = 0;

	for (uint32_t i = 0; i < s.length; i++) {
		small += s.at[i] == 110;
		cr_assert(small >= i / 2 && small <= i / 2 + 1);
	}
}

Test(turngun_sizes, what_is_no_list_of_sizes_is_refused)
{
	static const char *const bad[] = {"", "27", "1441", "160:", "160:0", "160,", ",160",
		"160:257", "160:200,1200:57", "160x", "-160", "28,29,30,31,32,33,34,35,36"};
	struct sizes s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert_eq(sizes_parse(&s, bad[i]), -EINVAL, "%s", bad[i]);
}
