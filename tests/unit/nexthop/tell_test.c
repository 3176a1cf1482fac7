// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Who is told of changes knows, in time, of each destination what a reader would read.

#include <pthread.h>

#include "lab.h"

// Under a lock of its own: the listener is called by one thread at a time, and tests look meanwhile.
static struct {
	pthread_mutex_t lock;
	uint16_t hop[LAB_DESTINATIONS + 1];
	struct nexthop reads[NEXTHOPS_MAX + 1];
	uint32_t destinations; // times that one was told of
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void hear_destination(void *, uint32_t destination, uint16_t hop)
{
	pthread_mutex_lock(&told.lock);
	told.hop[destination] = hop;
	told.destinations++;
	pthread_mutex_unlock(&told.lock);
}

static void hear_hop(void *, uint16_t hop, const struct nexthop *now)
{
	pthread_mutex_lock(&told.lock);
	told.reads[hop] = *now;
	pthread_mutex_unlock(&told.lock);
}

static void set_up(void)
{
	const struct nexthops_listener listener = {hear_destination, hear_hop, NULL};

	lab_make();
	lab_start(LAB_DESTINATIONS);
	lab_restart(LAB_DESTINATIONS);
	nexthops_listen(lab.n, &listener);
}

static uint16_t hop_of(uint32_t d)
{
	uint16_t hop;

	pthread_mutex_lock(&told.lock);
	hop = told.hop[d];
	pthread_mutex_unlock(&told.lock);
	return hop;
}

static struct nexthop reads(uint16_t hop)
{
	struct nexthop now;

	pthread_mutex_lock(&told.lock);
	now = told.reads[hop];
	pthread_mutex_unlock(&told.lock);
	return now;
}

static struct nexthop heard(uint32_t d)
{
	return reads(hop_of(d));
}

static uint32_t destinations_told(void)
{
	uint32_t n;

	pthread_mutex_lock(&told.lock);
	n = told.destinations;
	pthread_mutex_unlock(&told.lock);
	return n;
}

TestSuite(tell, .init = set_up, .fini = lab_end, .timeout = 60);

static bool knows(uint32_t d)
{
	struct nexthop now = look(d), then = heard(d);

	return memcmp(&now, &then, sizeof(now)) == 0;
}

Test(tell, a_destination_that_is_resolved_and_one_that_there_is_no_way_to)
{
	uint32_t a = take("192.0.2.2"), b = take("198.51.100.2"), none = take("172.16.0.2");

	expect_ready(a, 0, 1500);
	expect_ready(b, 1, 1500);
	expect_state(none, NEXTHOP_UNREACHABLE);
	await(knows(a) && knows(b));
	cr_assert(eq(int, heard(a).state, NEXTHOP_READY));
	cr_assert(eq(int, heard(b).port, 1));
	cr_assert(ne(int, heard(none).state, NEXTHOP_READY));
}

Test(tell, a_neighbour_whose_mac_changes_once_for_all_its_destinations)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 0x55};
	uint32_t d[20], other = take("198.51.100.2"), before;
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
	before = destinations_told();
	far("echo 1 >/proc/sys/net/ipv4/conf/far0/arp_notify");
	far("ip link set far0 address 02:00:00:00:00:55");
	memcpy(lab.far_mac[0], mac, 6);
	for (int i = 0; i < 20; i++) {
		expect_ready(d[i], 0, 1500);
		await(knows(d[i]));
	}
	cr_assert(eq(u32, destinations_told(), before));
	cr_assert(knows(other));
}

Test(tell, a_port_that_goes_down_and_a_destination_that_is_given_back)
{
	uint32_t d = take("192.0.2.2"), e = take("192.0.2.3");
	uint16_t hop;

	expect_ready(d, 0, 1500);
	expect_ready(e, 0, 1500);
	await(knows(d) && knows(e));
	hop = hop_of(e);
	nexthops_give_back(lab.n, e);
	await(heard(e).state != NEXTHOP_READY);
	// Before its number is another's it reads as nobody's.
	await(reads(hop).state == NEXTHOP_FREE);
	near("ip link set port0 down");
	expect_state(d, NEXTHOP_UNREACHABLE);
	await(heard(d).state != NEXTHOP_READY);
}
