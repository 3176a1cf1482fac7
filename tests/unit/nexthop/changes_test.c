// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which addresses a set of changes concerns, and how many may be asked about; no kernel, no privileges.

#include "changes.h"
#include "lab.h"
#include "rate.h"

static bool covered(const struct changes *c, const char *text)
{
	struct tp_ip at = ip(text);

	return changes_cover(c, &at);
}

static void add(struct changes *c, const char *text, unsigned int length)
{
	struct tp_ip at = ip(text);

	changes_add(c, tp_ip_family(&at), &at, length);
}

Test(changes, a_prefix_covers_what_is_under_it_to_the_bit)
{
	struct changes c = {.count = 0};

	cr_assert(not(changes_any(&c)));
	add(&c, "10.1.2.0", 23);
	add(&c, "2001:db8:8000::", 33);
	cr_assert(changes_any(&c));
	cr_assert(covered(&c, "10.1.2.0"));
	cr_assert(covered(&c, "10.1.3.255"));
	cr_assert(not(covered(&c, "10.1.4.0")));
	cr_assert(not(covered(&c, "10.1.1.255")));
	cr_assert(covered(&c, "2001:db8:ffff::1"));
	cr_assert(not(covered(&c, "2001:db8:7fff::1")));
	add(&c, "192.0.2.9", 32);
	cr_assert(covered(&c, "192.0.2.9"));
	cr_assert(not(covered(&c, "192.0.2.8")));
}

Test(changes, a_default_route_is_its_familys_alone)
{
	struct changes four = {.count = 0}, six = {.count = 0};

	add(&four, "0.0.0.0", 0);
	add(&six, "::", 0);
	cr_assert(covered(&four, "192.0.2.9") && !covered(&four, "2001:db8::1"));
	cr_assert(covered(&six, "2001:db8::1") && !covered(&six, "192.0.2.9"));
}

Test(changes, too_many_become_everything_of_the_family_and_repeated_ones_take_no_room)
{
	struct changes c = {.count = 0};
	char text[32];

	for (unsigned int i = 0; i < 2 * CHANGES_MAX; i++)
		add(&c, "10.0.0.0", 24);
	cr_assert(eq(u32, c.count, 1));
	for (unsigned int i = 1; i < CHANGES_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%u.0", i);
		add(&c, text, 24);
	}
	cr_assert(not(covered(&c, "192.0.2.9")));
	add(&c, "10.0.99.0", 24);
	cr_assert(covered(&c, "192.0.2.9"));
	cr_assert(not(covered(&c, "2001:db8::1")));
	changes_add_all(&c);
	cr_assert(covered(&c, "2001:db8::1"));
}

Test(rate, a_burst_goes_at_once_and_the_rest_by_the_clock)
{
	struct rate r;

	rate_init(&r, 4000, 256, 1000);
	cr_assert(eq(u32, rate_allows(&r, 1000), 256));
	rate_spend(&r, 256);
	cr_assert(eq(u32, rate_allows(&r, 1000), 0));
	cr_assert(eq(u32, rate_allows(&r, 1001), 4));
	cr_assert(eq(u32, rate_allows(&r, 1011), 44));
	rate_spend(&r, 44);
	cr_assert(eq(u32, rate_allows(&r, 1011), 0));
	cr_assert(eq(u32, rate_allows(&r, 900), 0)); // a clock that stands still is no harm
	cr_assert(eq(u32, rate_allows(&r, UINT64_MAX), 256));
}
