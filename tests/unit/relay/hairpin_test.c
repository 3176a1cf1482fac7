// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Peers that are our own relay addresses.

#include "fixture.h"

static struct relay *r;
static struct tp_endpoint client;

static void set_up(void)
{
	r = small_relay();
	client = ep("192.0.2.77", 5000);
	apply(r, allocation(0, client, PLAIN, PORT_MIN));
}

static void tear_down(void)
{
	relay_destroy(r);
}

TestSuite(hairpin, .init = set_up, .fini = tear_down);

static void check(const char *ip, uint8_t target)
{
	struct tp_endpoint to = ep(ip, PORT_MIN + 3);
	struct relay_decision d;

	cr_assert(eq(int, apply(r, permission(0, to)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, channel(0, to, CHANNEL)), TP_STATUS_OK));
	for (int by = 0; by < 2; by++) {
		d = by ? by_send(r, client, to, T0) : on_channel(r, client, CHANNEL, T0);
		cr_assert(eq(int, d.verdict, RELAY_HAIRPIN));
		cr_assert(eq(int, d.target, target));
		cr_assert(eq(int, d.relay, PLAIN));
		cr_assert(eq(int, d.port, PORT_MIN));
		cr_assert(eq(u32, d.length, 3));
		cr_endpoint(d.to, to);
	}
}

Test(hairpin, a_relay_address_without_nat)
{
	check("198.51.100.1", PLAIN);
}

Test(hairpin, the_public_form_of_one_behind_nat)
{
	check("203.0.113.5", NAT);
}

Test(hairpin, the_local_form_of_one_behind_nat)
{
	check("10.0.0.5", NAT);
}

Test(hairpin, an_ipv6_relay_address)
{
	struct tp_endpoint to = ep("2001:db8:1::1", PORT_MIN + 3);
	struct relay_decision d;

	apply(r, allocation(1, client, V6, PORT_MIN));
	apply(r, channel(1, to, CHANNEL));
	d = on_channel(r, client, CHANNEL, T0);
	cr_assert(eq(int, d.verdict, RELAY_HAIRPIN));
	cr_assert(eq(int, d.target, V6));
}

Test(hairpin, a_server_address_or_a_neighbour_is_none)
{
	static const char *const ips[] = {"198.51.100.2", "192.0.2.1", "203.0.113.4"};

	for (size_t i = 0; i < 3; i++) {
		apply(r, permission(0, ep(ips[i], 0)));
		cr_assert(
			eq(int, by_send(r, client, ep(ips[i], PORT_MIN), T0).verdict, RELAY_PEER));
	}
}
