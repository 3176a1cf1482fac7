// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Where the kernel says that an address goes, and through which neighbour.

#include "lab.h"

static void set_up(void)
{
	lab_make();
	lab_start(LAB_DESTINATIONS);
}

TestSuite(resolve, .init = set_up, .fini = lab_end, .timeout = 60);

Test(resolve, an_address_on_the_link_goes_to_itself)
{
	expect_ready(take("192.0.2.2"), 0, 1500);
	expect_ready(take("198.51.100.3"), 1, 1500);
	expect_ready(take("2001:db8::2"), 0, 1500);
	expect_ready(take("2001:db8:1::2"), 1, 1500);
	cr_assert(eq(u32, status().hops, 4));
}

Test(resolve, addresses_behind_a_gateway_share_its_next_hop)
{
	char text[64];
	uint32_t d[200];

	near("ip route add 203.0.113.0/24 via 192.0.2.2");
	near("ip route add 2001:db8:f::/48 via 2001:db8:1::2");
	lab_restart(200);
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), i % 2 ? "203.0.113.%d" : "2001:db8:f::%d", i);
		d[i] = take(text);
	}
	for (int i = 0; i < 200; i++)
		expect_ready(d[i], i % 2 ? 0 : 1, 1500);
	cr_assert(eq(u32, status().hops, 2));
	cr_assert(eq(u64, status().asked, 200));
}

Test(resolve, an_ipv4_route_may_go_through_an_ipv6_gateway)
{
	near("ip route add 203.0.113.0/24 via inet6 2001:db8:1::2 dev port1");
	expect_ready(take("203.0.113.7"), 1, 1500);
}

Test(resolve, what_has_no_way_out_of_our_ports_is_unreachable)
{
	near("ip link set lo up");
	near("ip route add prohibit 203.0.113.0/28 && ip route add blackhole 203.0.113.16/28");
	expect_state(take("203.0.113.1"), NEXTHOP_UNREACHABLE);
	expect_state(take("203.0.113.17"), NEXTHOP_UNREACHABLE);
	expect_state(take("8.8.8.8"), NEXTHOP_UNREACHABLE); // no route
	expect_state(take("2001:4860::1"), NEXTHOP_UNREACHABLE);
	expect_state(take("172.16.0.2"), NEXTHOP_UNREACHABLE); // other0
	expect_state(take("192.0.2.1"), NEXTHOP_UNREACHABLE); // the host's own
	expect_state(take("192.0.2.255"), NEXTHOP_UNREACHABLE); // broadcast
	expect_state(take("224.0.0.9"), NEXTHOP_UNREACHABLE);
	expect_state(take("192.0.2.77"), NEXTHOP_UNREACHABLE); // nobody there
	expect_state(take("2001:db8::77"), NEXTHOP_UNREACHABLE);
	cr_assert(eq(int, look(0).state, NEXTHOP_UNREACHABLE));
}

Test(resolve, the_mtu_is_the_least_of_port_interface_and_route)
{
	near("ip route add 203.0.113.0/24 via 192.0.2.2 mtu 1400");
	near("ip link set port1 mtu 9500");
	expect_ready(take("203.0.113.1"), 0, 1400);
	expect_ready(take("192.0.2.2"), 0, 1500);
	expect_ready(take("198.51.100.2"), 1, 9000);
	near("ip link set port0 mtu 1300");
	expect_ready(take("192.0.2.3"), 0, 1300);
	expect_ready(take("192.0.2.2"), 0, 1300);
}

Test(resolve, an_mtu_that_the_kernel_has_learnt_counts)
{
	far("echo 1 >/proc/sys/net/ipv4/ip_forward");
	far("ip link add thin0 mtu 1280 type veth peer name thin1 && ip link set thin0 up && "
	    "ip link set thin1 up && ip route add 203.0.113.0/24 dev thin0");
	near("ip route add 203.0.113.0/24 via 192.0.2.2");
	await(lab_send("203.0.113.1", 1400) == 1280);
	expect_ready(take("203.0.113.1"), 0, 1280);
	expect_ready(take("203.0.113.2"), 0, 1500);
}

static struct rtnl_neighbour kernels(uint8_t port, const char *text)
{
	struct rtnl_neighbour neighbour;
	struct rtnl rtnl;
	struct tp_ip at = ip(text);

	cr_assert(eq(int, rtnl_open(&rtnl), 0));
	cr_assert(eq(int, rtnl_get_neighbour(&rtnl, lab.port[port].ifindex, &at, &neighbour), 0));
	rtnl_close(&rtnl);
	return neighbour;
}

Test(resolve, the_kernel_manages_neighbours_for_as_long_as_they_are_wanted)
{
	uint32_t a, b;

	near("ip route add 203.0.113.0/24 via 192.0.2.2 && ip route add 203.0.114.0/24 via "
	     "192.0.2.2 mtu 1400");
	a = take("203.0.113.1");
	b = take("203.0.114.1");
	expect_ready(a, 0, 1500);
	expect_ready(b, 0, 1400);
	await(kernels(0, "192.0.2.2").managed && kernels(0, "192.0.2.2").ours);
	nexthops_give_back(lab.n, a);
	await(status().hops == 1);
	cr_assert(kernels(0, "192.0.2.2").managed); // for the other's sake
	nexthops_give_back(lab.n, b);
	await(!kernels(0, "192.0.2.2").managed);
	cr_assert(eq(u64, status().refused, 0));
}

Test(resolve, neighbours_are_let_go_of_at_the_end)
{
	expect_ready(take("2001:db8::2"), 0, 1500);
	cr_assert(kernels(0, "2001:db8::2").managed);
	nexthops_destroy(lab.n);
	lab.n = NULL;
	cr_assert(not(kernels(0, "2001:db8::2").managed));
}

Test(resolve, an_administrators_neighbour_stays_as_it_is)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};

	near("ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev port0 nud permanent");
	memcpy(lab.far_mac[0], mac, 6);
	expect_ready(take("192.0.2.9"), 0, 1500);
	cr_assert(eq(int, kernels(0, "192.0.2.9").nud, 0x80));
	cr_assert(not(kernels(0, "192.0.2.9").managed));
}
