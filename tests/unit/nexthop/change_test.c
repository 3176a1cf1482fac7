// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What changes in the kernel reaches the destinations that it concerns, and what they had serves meanwhile.

#include <libmnl/libmnl.h>
#include <linux/filter.h>

#include "lab.h"
#include "nexthops.h"

static void set_up(void)
{
	lab_make();
	lab_start(LAB_DESTINATIONS);
}

TestSuite(change, .init = set_up, .fini = lab_end, .timeout = 60);

Test(change, a_neighbours_new_mac_is_taken_over)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 0x55};
	uint32_t d = take("192.0.2.2");
	uint64_t before;

	expect_ready(d, 0, 1500);
	before = nexthops_generation(lab.n);
	far("echo 1 >/proc/sys/net/ipv4/conf/far0/arp_notify");
	far("ip link set far0 address 02:00:00:00:00:55");
	memcpy(lab.far_mac[0], mac, 6);
	expect_ready(d, 0, 1500);
	cr_assert(gt(u64, nexthops_generation(lab.n), before));
}

// Frames that wait for it are looked at again then.
Test(change, a_neighbour_that_changes_is_a_new_generation)
{
	uint32_t d = take("192.0.2.2");
	uint64_t before;

	expect_ready(d, 0, 1500);
	before = nexthops_generation(lab.n);
	near("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:66 dev port0 nud permanent");
	memcpy(lab.far_mac[0], (uint8_t[]){2, 0, 0, 0, 0, 0x66}, 6);
	expect_ready(d, 0, 1500);
	await(nexthops_generation(lab.n) > before);
}

Test(change, a_port_that_goes_down_leaves_the_others_next_hops_alone)
{
	uint32_t down = take("192.0.2.2"), up = take("198.51.100.2");

	expect_ready(down, 0, 1500);
	expect_ready(up, 1, 1500);
	pthread_mutex_lock(&lab.n->lock); // so that nobody mends it before it is looked at
	lab.n->port[0].running = false;
	hops_part(lab.n, HOP_FIRST, hop_port_changed, 0);
	cr_assert(eq(int, look(down).state, NEXTHOP_UNREACHABLE));
	cr_assert(eq(int, look(up).state, NEXTHOP_READY));
	pthread_mutex_unlock(&lab.n->lock);
}

Test(change, only_destinations_under_a_changed_route_are_asked_again)
{
	uint32_t in[50], out[50];
	char text[64];

	near("ip route add 203.0.113.0/24 via 192.0.2.2 && ip route add 100.64.0.0/16 via "
	     "192.0.2.2");
	lab_restart(100);
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "203.0.113.%d", i + 1);
		in[i] = take(text);
		snprintf(text, sizeof(text), "100.64.1.%d", i + 1);
		out[i] = take(text);
		expect_ready(in[i], 0, 1500);
		expect_ready(out[i], 0, 1500);
	}
	cr_assert(eq(u64, status().asked_again, 0));
	near("ip route add 203.0.113.0/24 via 198.51.100.2 metric 1 proto static && "
	     "ip route del 203.0.113.0/24 via 192.0.2.2");
	for (int i = 0; i < 50; i++) {
		expect_ready(in[i], 1, 1500);
		expect_ready(out[i], 0, 1500);
	}
	// Two changes, which may share a scan.
	await(status().asked_again == 50 || status().asked_again == 100);
	cr_assert(eq(u32, status().hops, 2));
	cr_assert(eq(u32, status().unsettled, 0));
}

Test(change, an_ipv6_route_moves_too)
{
	uint32_t d;

	near("ip route add 2001:db8:f::/48 via 2001:db8::2");
	d = take("2001:db8:f::9");
	expect_ready(d, 0, 1500);
	near("ip route replace 2001:db8:f::/48 via 2001:db8:1::2");
	expect_ready(d, 1, 1500);
	near("ip route del 2001:db8:f::/48");
	expect_state(d, NEXTHOP_UNREACHABLE);
	near("ip route add default via 2001:db8::2");
	expect_ready(d, 0, 1500);
}

Test(change, the_old_gateway_serves_until_the_new_one_is_resolved_or_has_failed)
{
	uint32_t d;

	near("ip route add 203.0.113.0/24 via 192.0.2.2");
	d = take("203.0.113.9");
	expect_ready(d, 0, 1500);
	// 3 requests, half a second apart.
	near("echo 500 >/proc/sys/net/ipv4/neigh/port1/retrans_time_ms");
	near("ip route replace 203.0.113.0/24 via 198.51.100.99");
	await(status().unsettled == 1);
	expect_ready(d, 0, 1500);
	expect_state(d, NEXTHOP_UNREACHABLE);
	cr_assert(eq(u32, status().unsettled, 0));
	near("ip route replace 203.0.113.0/24 via 198.51.100.2");
	expect_ready(d, 1, 1500);
	await(status().hops == 1);
}

Test(change, a_port_that_goes_down_is_no_way_until_it_is_up_again)
{
	uint32_t d = take("192.0.2.2"), far_away;

	near("ip route add 203.0.113.0/24 via 192.0.2.2");
	far_away = take("203.0.113.1");
	expect_ready(d, 0, 1500);
	expect_ready(far_away, 0, 1500);
	far("ip link set far0 down"); // the carrier
	expect_state(d, NEXTHOP_UNREACHABLE);
	expect_state(far_away, NEXTHOP_UNREACHABLE);
	far("ip link set far0 up");
	expect_ready(d, 0, 1500);
	expect_ready(far_away, 0, 1500);
	near("ip link set port0 down"); // takes its gateway's routes with it
	expect_state(d, NEXTHOP_UNREACHABLE);
	expect_state(far_away, NEXTHOP_UNREACHABLE);
	near("ip link set port0 up");
	expect_ready(d, 0, 1500);
	expect_state(far_away, NEXTHOP_UNREACHABLE);
}

Test(change, rules_and_next_hop_objects_and_addresses_count)
{
	uint32_t d;

	near("ip nexthop add id 7 via 192.0.2.2 dev port0 && ip route add 203.0.113.0/24 nhid 7");
	d = take("203.0.113.1");
	expect_ready(d, 0, 1500);
	near("ip nexthop replace id 7 via 198.51.100.2 dev port1");
	expect_ready(d, 1, 1500);
	near("ip route add 203.0.113.0/24 via 192.0.2.2 table 9 && ip rule add pref 9 lookup 9");
	expect_ready(d, 0, 1500);
	near("ip rule del pref 9");
	expect_ready(d, 1, 1500);
	// Routes that prefer an address go with it, and nothing is said of them.
	near("ip addr add 198.51.100.77/32 dev port1 && "
	     "ip route add 100.64.0.0/16 via 192.0.2.2 src 198.51.100.77");
	d = take("100.64.0.1");
	expect_ready(d, 0, 1500);
	near("ip addr del 198.51.100.77/32 dev port1");
	expect_state(d, NEXTHOP_UNREACHABLE);
}

// So many that they take 2 seconds.
Test(change, everything_at_once_is_asked_again_at_a_bounded_rate)
{
	uint32_t each = AGAIN_BURST + 2 * AGAIN_A_SECOND;
	uint64_t start;
	uint32_t last = 0;

	near("ip route add 10.0.0.0/8 via 192.0.2.2");
	lab_restart(each);
	for (uint32_t i = 0; i < each; i++) {
		struct tp_ip to = tp_ip4(TP_BE32(0x0a000000 + i));

		last = nexthops_take(lab.n, &to);
		cr_assert(ne(u32, last, 0));
	}
	expect_ready(last, 0, 1500);
	cr_assert(eq(u64, status().asked, each));
	start = lab_now();
	near("ip rule add pref 9 lookup main");
	while (status().asked_again < each) {
		uint64_t again = status().asked_again;

		cr_assert(le(
			u64, again, AGAIN_BURST + (lab_now() - start + 1) * AGAIN_A_SECOND / 1000));
		cr_assert(eq(int, look(last).state, NEXTHOP_READY));
		lab_patience(start, "all have been asked");
	}
	cr_assert(ge(u64, lab_now() - start, 1990));
}

// With the lock held the thread can't listen, until the kernel has no more room.
Test(change, lost_notifications_cost_a_resync_and_nothing_else)
{
	uint32_t d, e;

	near("ip route add 203.0.113.0/24 via 192.0.2.2");
	d = take("203.0.113.1");
	e = take("192.0.2.3");
	expect_ready(d, 0, 1500);
	expect_ready(e, 0, 1500);
	pthread_mutex_lock(&lab.n->lock);
	near("ip link set lo up; "
	     "awk 'BEGIN { for (i = 0; i < 12000; i++) printf "
	     "\"route add blackhole 100.64.%%d.%%d\\n\", i / 200, i %% 200 }' | ip -batch -");
	near("ip route replace 203.0.113.0/24 via 198.51.100.2");
	near("ip neigh replace 192.0.2.3 lladdr 02:00:00:00:00:77 dev port0 nud permanent");
	pthread_mutex_unlock(&lab.n->lock);
	await(status().resyncs >= 1);
	expect_ready(d, 1, 1500);
	memcpy(lab.far_mac[0], (uint8_t[]){2, 0, 0, 0, 0, 0x77}, 6);
	expect_ready(e, 0, 1500);
}

Test(change, a_link_that_says_nothing_of_its_mtu_keeps_it)
{
	uint32_t d = take("192.0.2.2");

	expect_ready(d, 0, 1500);
	events_link(lab.n, &(struct rtnl_link){.ifindex = lab.port[0].ifindex, .running = true});
	near("ip route add 203.0.113.0/24 via 192.0.2.2");
	d = take("203.0.113.1");
	expect_ready(d, 0, 1500);
}

// A filter in front of the socket that answers come to.
Test(change, a_link_of_which_the_kernel_says_nothing_stays_as_it_was)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET, 0);
	const struct sock_fprog filter = {.len = 1, .filter = &nothing};
	const struct timeval soon = {.tv_usec = 1000};
	int fd = mnl_socket_get_fd(lab.n->rtnl.ask), off = 0;
	uint32_t d = take("192.0.2.2");

	expect_ready(d, 0, 1500);
	cr_assert(eq(int, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)), 0));
	cr_assert(
		eq(int, setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)), 0));
	__atomic_store_n(&lab.n->lost, true, __ATOMIC_RELAXED);
	nexthops_ring(lab.n);
	await(status().resyncs > 0);
	cr_assert(eq(int, look(d).state, NEXTHOP_READY));
	cr_assert(eq(int, setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &off, sizeof(off)), 0));
	await(!__atomic_load_n(&lab.n->lost, __ATOMIC_RELAXED));
	expect_ready(d, 0, 1500);
}
