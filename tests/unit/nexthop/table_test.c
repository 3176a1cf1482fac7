// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Destinations are shared and counted; walks over next hops; what is refused.

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"
#include "nexthops.h"

static void set_up(void)
{
	lab_make();
	lab_start(4);
}

TestSuite(destinations, .init = set_up, .fini = lab_end, .timeout = 60);

Test(destinations, those_who_ask_for_one_address_share_it_and_the_last_frees_it)
{
	uint32_t d = take("192.0.2.2");

	cr_assert(eq(u32, take("192.0.2.2"), d));
	cr_assert(ne(u32, take("192.0.2.3"), d));
	cr_assert(eq(u32, status().destinations, 2));
	nexthops_give_back(lab.n, d);
	cr_assert(eq(u32, status().destinations, 2));
	expect_ready(d, 0, 1500);
	nexthops_give_back(lab.n, d);
	cr_assert(eq(u32, status().destinations, 1));
	await(status().hops == 1);
}

Test(destinations, so_many_fit_as_were_asked_for_and_room_comes_back)
{
	struct tp_ip fifth = ip("192.0.2.5");
	uint32_t d[4] = {
		take("192.0.2.2"), take("192.0.2.3"), take("2001:db8::2"), take("8.8.8.8")};

	for (int i = 0; i < 4; i++)
		cr_assert(d[i] >= 1 && d[i] <= 4);
	cr_assert(eq(u32, nexthops_take(lab.n, &fifth), 0));
	cr_assert(eq(u32, take("192.0.2.3"), d[1])); // one that is there takes no room
	nexthops_give_back(lab.n, d[1]);
	expect_state(d[3], NEXTHOP_UNREACHABLE); // all have been asked
	nexthops_give_back(lab.n, d[3]);
	cr_assert(eq(u32, take("198.51.100.2"), d[3]));
	expect_ready(d[3], 1, 1500);
}

Test(destinations, what_was_another_address_shows_nothing_of_it)
{
	uint32_t d = take("192.0.2.2");

	expect_ready(d, 0, 1500);
	pthread_mutex_lock(&lab.n->lock); // the thread can't answer
	destination_free(lab.n, (lab.n->destinations[d].refs = 0, d));
	cr_assert(eq(u32, destination_find_or_make(lab.n, &(struct tp_ip){.b = {0x20}}), d));
	cr_assert(eq(int, look(d).state, NEXTHOP_RESOLVING));
	pthread_mutex_unlock(&lab.n->lock);
}

Test(destinations, one_that_is_given_back_before_it_was_asked_for_is_not_asked_for)
{
	struct tp_ip a = ip("192.0.2.2"), b = ip("192.0.2.3");
	uint32_t first, second;

	pthread_mutex_lock(&lab.n->lock); // the thread can't take them out of its queue
	first = destination_find_or_make(lab.n, &a);
	second = destination_find_or_make(lab.n, &b);
	destination_free(lab.n, (lab.n->destinations[first].refs = 0, first));
	cr_assert(eq(u32, lab.n->new.first, second));
	destination_free(lab.n, (lab.n->destinations[second].refs = 0, second));
	cr_assert(eq(u32, lab.n->new.first, 0));
	pthread_mutex_unlock(&lab.n->lock);
	cr_assert(eq(u64, status().asked, 0));
}

static uint32_t seen;

static void see(struct nexthops *, uint32_t, uint8_t)
{
	seen++;
}

Test(destinations, a_walk_over_next_hops_holds_the_lock_for_so_many_only)
{
	uint32_t made = 2 * HOPS_EACH + 1, parts = 0;

	nexthops_lock(lab.n); // the thread can't free them: nobody wants them
	for (uint32_t i = 0; i < made; i++) {
		struct tp_ip gateway = tp_ip4(TP_BE32(0xc0000300 + i));

		cr_assert(ge(u32, hop_take(lab.n, 0, &gateway, 1500), HOP_FIRST));
	}
	for (uint32_t at = HOP_FIRST; at; parts++) {
		uint32_t before = seen;

		at = hops_part(lab.n, at, see, 0);
		cr_assert(le(u32, seen - before, HOPS_EACH));
	}
	cr_assert(eq(u32, parts, 3));
	cr_assert(eq(u32, seen, made));
	pthread_mutex_unlock(&lab.n->lock);
}

Test(destinations, without_the_capability_neighbours_come_from_the_kernels_own_traffic)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct all[2], none[2] = {0};
	uint32_t d;

	nexthops_destroy(lab.n);
	cr_assert(eq(int, syscall(SYS_capget, &header, all), 0));
	none[0].permitted = all[0].permitted;
	none[1].permitted = all[1].permitted;
	cr_assert(eq(int, syscall(SYS_capset, &header, none), 0));
	lab_start(4);
	cr_assert(eq(int, syscall(SYS_capset, &header, all), 0));
	d = take("192.0.2.2");
	await(status().refused == 1);
	cr_assert(eq(int, look(d).state, NEXTHOP_RESOLVING));
	lab_send("192.0.2.2", 1);
	expect_ready(d, 0, 1500);
}

Test(destinations, nonsense_is_refused)
{
	struct nexthop_port absent = {.ifindex = 0x7ffffff0};
	struct nexthops *n = NULL;

	cr_assert(eq(int, nexthops_create(&n, lab.port, 0, 4), -22));
	cr_assert(eq(int, nexthops_create(&n, lab.port, 33, 4), -22));
	cr_assert(eq(int, nexthops_create(&n, lab.port, 2, 0), -22));
	cr_assert(eq(int, nexthops_create(&n, lab.port, 2, 1 << 24), -22));
	cr_assert(eq(int, nexthops_create(&n, &absent, 1, 4), -19));
	cr_assert(eq(ptr, n, NULL));
	nexthops_destroy(NULL);
}
