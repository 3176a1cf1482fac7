// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Who is told of changes knows, in time, of each destination what a reader would read.

#include "lab.h"

#define MANY 70000u // more than a round tells of under one lock

static struct nexthop told[MANY + 1];
static uint32_t count; // of what was told

static void hear(void *, uint32_t destination, const struct nexthop *now)
{
	told[destination] = *now;
	__atomic_fetch_add(&count, 1, __ATOMIC_RELEASE);
}

static void listen_again(uint32_t destinations)
{
	lab_restart(destinations);
	nexthops_on_change(lab.n, hear, NULL);
}

static void set_up(void)
{
	lab_make();
	lab_start(LAB_DESTINATIONS);
	listen_again(LAB_DESTINATIONS);
}

TestSuite(tell, .init = set_up, .fini = lab_end, .timeout = 60);

static bool knows(uint32_t d)
{
	struct nexthop now = look(d);

	__atomic_load_n(&count, __ATOMIC_ACQUIRE);
	return memcmp(&now, &told[d], sizeof(now)) == 0;
}

Test(tell, a_destination_that_is_resolved)
{
	uint32_t a = take("192.0.2.2"), b = take("198.51.100.2"), none = take("172.16.0.2");

	expect_ready(a, 0, 1500);
	expect_ready(b, 1, 1500);
	expect_state(none, NEXTHOP_UNREACHABLE);
	await(knows(a) && knows(b) && knows(none));
	cr_assert(eq(int, told[a].state, NEXTHOP_READY));
	cr_assert(eq(int, told[b].port, 1));
}

Test(tell, all_destinations_of_a_neighbour_whose_mac_changes_and_no_other)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 0x55};
	uint32_t d[20], other = take("198.51.100.2");
	char text[64];

	near("ip route add 203.0.113.0/24 via 192.0.2.2");
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "203.0.113.%d", i + 1);
		d[i] = take(text);
		expect_ready(d[i], 0, 1500);
	}
	expect_ready(other, 1, 1500);
	for (int i = 0; i < 20; i++)
		await(knows(d[i]));
	await(knows(other));
	memset(&told[other], 0, sizeof(told[other]));
	far("echo 1 >/proc/sys/net/ipv4/conf/far0/arp_notify");
	far("ip link set far0 address 02:00:00:00:00:55");
	memcpy(lab.far_mac[0], mac, 6);
	for (int i = 0; i < 20; i++) {
		expect_ready(d[i], 0, 1500);
		await(knows(d[i]));
	}
	cr_assert(eq(int, told[other].state, 0));
}

Test(tell, a_port_that_goes_down_and_a_destination_that_is_given_back)
{
	uint32_t d = take("192.0.2.2"), e = take("192.0.2.3");

	expect_ready(d, 0, 1500);
	expect_ready(e, 0, 1500);
	await(knows(d) && knows(e));
	nexthops_give_back(lab.n, e);
	await(told[e].state != NEXTHOP_READY);
	near("ip link set port0 down");
	expect_state(d, NEXTHOP_UNREACHABLE);
	await(knows(d));
}

Test(tell, more_destinations_than_one_round_tells_of)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 0x77};
	uint32_t last = 0;

	near("ip route add 10.0.0.0/8 via 192.0.2.2");
	listen_again(MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		struct tp_ip to = tp_ip4(TP_BE32(0x0a000000u + i));

		last = nexthops_take(lab.n, &to);
		cr_assert(ne(u32, last, 0));
	}
	expect_ready(last, 0, 1500);
	for (uint32_t d = 1; d <= MANY; d++)
		await(knows(d));
	far("echo 1 >/proc/sys/net/ipv4/conf/far0/arp_notify");
	far("ip link set far0 address 02:00:00:00:00:77");
	memcpy(lab.far_mac[0], mac, 6);
	expect_ready(last, 0, 1500);
	for (uint32_t d = 1; d <= MANY; d++)
		await(memcmp(told[d].l2, mac, 6) == 0);
}
