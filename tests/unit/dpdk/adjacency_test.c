// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <adjacency.h>
#include <criterion/criterion.h>

#include "hops.h"

#define PORTS 2u

static const uint8_t near[6] = {2, 0, 0, 0, 0, 1}, far[6] = {2, 0, 0, 0, 0, 2};
static struct nexthops *hops;
static struct adjacencies all;
static struct out out[PORTS];

static struct tp_ip host(uint8_t last)
{
	return tp_ip4(TP_BE32(0xc6336400u | last));
}

static uint32_t destination(uint8_t last)
{
	struct tp_ip ip = host(last);

	return nexthops_take(hops, &ip);
}

static void set(uint8_t last, enum nexthop_state state, const uint8_t *mac)
{
	struct tp_ip ip = host(last);

	hops_set(hops, &ip, state, mac, (uint16_t)(1000 + last));
}

static void begin(void)
{
	struct nexthop_port port = {.ifindex = 1};

	cr_assert_eq(nexthops_create(&hops, &port, 1, 32), 0);
	adjacencies_init(&all, hops, out, PORTS);
}

static void end(void)
{
	nexthops_destroy(hops);
}

TestSuite(dpdk_adjacency, .init = begin, .fini = end);

static const struct adjacency *of(struct adjacencies *a, uint32_t d)
{
	return adjacency_of(a, nexthops_view_word(&a->hops, d));
}

static void expect(uint32_t d, const uint8_t *mac, uint16_t mtu)
{
	const struct adjacency *a = of(&all, d);

	cr_assert(a);
	cr_assert_arr_eq(a->l2, mac, 6);
	cr_assert_eq(a->mtu, mtu);
	cr_assert_eq(a->out, &out[0]);
}

Test(dpdk_adjacency, a_next_hop_that_changed_is_read_again)
{
	uint32_t d = destination(1);

	set(1, NEXTHOP_READY, near);
	expect(d, near, 1001);
	expect(d, near, 1001);
	set(1, NEXTHOP_READY, far);
	expect(d, far, 1001);
	set(1, NEXTHOP_UNREACHABLE, NULL);
	cr_assert_null(of(&all, d));
	cr_assert_null(of(&all, d), "nor the second time");
	set(1, NEXTHOP_READY, near);
	expect(d, near, 1001);
}

// The first destinations have next hops of the same numbers (hops.c).
Test(dpdk_adjacency, next_hops_of_one_place_are_told_apart)
{
	for (uint8_t i = 1; i <= 2 * ADJACENCIES; i++) {
		destination(i);
		set(i, NEXTHOP_READY, i & 1 ? near : far);
	}
	for (unsigned int round = 0; round < 2; round++) {
		for (uint8_t i = 1; i <= ADJACENCIES; i++) {
			expect(i, i & 1 ? near : far, (uint16_t)(1000 + i));
			expect(i + ADJACENCIES, i & 1 ? near : far,
				(uint16_t)(1000 + ADJACENCIES + i));
		}
	}
}

Test(dpdk_adjacency, nothing_is_known_before_it_was_read)
{
	struct adjacencies none = all;

	for (uint32_t d = 0; d <= ADJACENCIES; d++)
		cr_assert_null(of(&none, d));
}

Test(dpdk_adjacency, a_port_that_is_not_there_is_no_way_out)
{
	struct nexthop hop = {.mtu = 1500, .port = PORTS, .state = NEXTHOP_READY};

	hops_set_every(hops, &hop);
	cr_assert_null(of(&all, destination(1)));
	hop.port = PORTS - 1;
	hops_set_every(hops, &hop);
	cr_assert_eq(of(&all, destination(1))->out, &out[PORTS - 1]);
}

Test(dpdk_adjacency, packets_of_a_burst_that_take_turns_get_each_its_own)
{
	struct adjacency_last last = {.hop = UINT32_MAX};

	for (uint8_t i = 1; i <= ADJACENCIES + 1; i++) {
		destination(i);
		set(i, i == 2 ? NEXTHOP_UNREACHABLE : NEXTHOP_READY, near);
	}
	for (unsigned int round = 0; round < 2; round++) {
		// One, one again, none, and one that takes the first's place.
		cr_assert_eq(adjacency_next(&all, &last, 1)->mtu, 1001);
		cr_assert_eq(adjacency_next(&all, &last, 1)->mtu, 1001);
		cr_assert_null(adjacency_next(&all, &last, 2));
		cr_assert_null(adjacency_next(&all, &last, 2));
		cr_assert_eq(adjacency_next(&all, &last, ADJACENCIES + 1)->mtu, 1001 + ADJACENCIES);
	}
	set(ADJACENCIES + 1, NEXTHOP_READY, far);
	cr_assert_arr_eq(
		adjacency_next(&all, &last, ADJACENCIES + 1)->l2, far, 6, "changed meanwhile");
}
