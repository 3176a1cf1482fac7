// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Many peers of an allocation, capacity, and packets from the peer side that get nowhere.

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

TestSuite(peers, .init = set_up, .fini = tear_down);

static struct tp_endpoint nth(unsigned int i)
{
	return (struct tp_endpoint){.ip = tp_ip4(TP_BE32(0xc6120100u + i)), .port = 6000};
}

Test(peers, every_one_of_many_is_told_apart)
{
	struct relay_from_peer in[PEERS * 2];
	struct relay_decision out[PEERS * 2];

	// The first half has channels, all have permissions.
	for (unsigned int i = 0; i < 16; i++) {
		apply(r, permission(0, nth(i)));
		if (i < 8)
			cr_assert(
				eq(int, apply(r, channel(0, nth(i), (uint16_t)(CHANNEL + i))), 0));
	}
	// Each twice in a burst, interleaved, and at a port without a channel.
	for (unsigned int i = 0; i < 48; i++) {
		in[i] = (struct relay_from_peer){
			.relay = PLAIN, .port = PORT_MIN, .peer = nth(i % 16), .length = i};
		if (i >= 32)
			in[i].peer.port++;
	}
	relay_decide_peers(r, in, out, 48, T0);
	for (unsigned int i = 0; i < 48; i++) {
		cr_assert(eq(int, out[i].verdict, RELAY_CLIENT));
		cr_assert(eq(u32, out[i].length, i));
		if (i < 32 && i % 16 < 8) {
			cr_assert(eq(int, out[i].front_length, 4));
			cr_assert(eq(int, out[i].front[1], 1 + i % 16));
		} else {
			cr_assert(eq(int, out[i].front_length, 36));
			cr_assert(eq(int, out[i].front[31], (i % 16) ^ 0x42));
		}
	}
}

Test(peers, without_a_permission_nothing_comes_in)
{
	apply(r, permission(0, nth(1)));
	cr_dropped(from_peer(r, PLAIN, PORT_MIN, nth(2), 1, T0), peer_no_permission);
	cr_dropped(from_peer(r, PLAIN, PORT_MIN + 1, nth(1), 1, T0), peer_no_allocation);
	cr_dropped(from_peer(r, NAT, PORT_MIN, nth(1), 1, T0), peer_no_allocation);
	cr_assert(eq(int, from_peer(r, PLAIN, PORT_MIN, nth(1), 1, T0).verdict, RELAY_CLIENT));
}

Test(peers, of_another_allocation_have_no_say_in_this_one)
{
	apply(r, allocation(1, ep("192.0.2.77", 5001), PLAIN, PORT_MIN + 1));
	apply(r, permission(1, nth(1)));
	apply(r, channel(1, nth(1), CHANNEL));
	cr_dropped(from_peer(r, PLAIN, PORT_MIN, nth(1), 1, T0), peer_no_permission);
	cr_dropped(on_channel(r, client, CHANNEL, T0), channel_unbound);
	cr_assert(eq(int, from_peer(r, PLAIN, PORT_MIN + 1, nth(1), 1, T0).front_length, 4));
}

Test(peers, relay_ports_out_of_range_are_no_allocation)
{
	static const struct {
		uint8_t relay;
		uint16_t port;
	} cases[] = {{PLAIN, PORT_MIN - 1}, {PLAIN, PORT_MAX + 1}, {PLAIN, 0}, {PLAIN, 65535},
		{3, PORT_MIN}, {255, PORT_MIN}};

	apply(r, permission(0, nth(1)));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_dropped(from_peer(r, cases[i].relay, cases[i].port, nth(1), 1, T0),
			peer_no_allocation);
}

Test(peers, a_full_table_refuses_more_and_stays_as_it_is)
{
	for (unsigned int i = 0; i < PEERS; i++)
		cr_assert(eq(int, apply(r, permission(0, nth(i))), TP_STATUS_OK));
	for (int round = 0; round < 3; round++) {
		cr_assert(eq(int, apply(r, permission(0, nth(PEERS))), TP_STATUS_NO_SPACE));
		cr_assert(eq(int, apply(r, channel(0, nth(0), CHANNEL)), TP_STATUS_NO_SPACE));
	}
	cr_assert(eq(u32, usage(r).permissions, PEERS));
	cr_assert(eq(u32, usage(r).channels, 0));
	cr_dropped(from_peer(r, PLAIN, PORT_MIN, nth(PEERS), 1, T0), peer_no_permission);
	cr_dropped(on_channel(r, client, CHANNEL, T0), channel_unbound);
	for (unsigned int i = 0; i < PEERS; i++) {
		cr_assert(eq(int, apply(r, permission(0, nth(i))), TP_STATUS_OK));
		cr_assert(eq(
			int, from_peer(r, PLAIN, PORT_MIN, nth(i), 1, T0).verdict, RELAY_CLIENT));
	}
	// One goes, one fits.
	drop_as(r, permission(0, nth(7)), TP_DROP_PERMISSION);
	cr_assert(eq(int, apply(r, channel(0, nth(0), CHANNEL)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, permission(0, nth(7))), TP_STATUS_NO_SPACE));
}

Test(peers, tables_take_all_that_was_asked_for_again_and_again)
{
	struct relay_config c = config();
	struct relay *big;

	c.capabilities.allocations = 10000;
	c.capabilities.peers = 20000;
	c.capabilities.port_max = PORT_MIN + 9999;
	big = create(&c);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 10000; i++) {
			struct tp_endpoint from = nth(i);

			cr_assert(eq(int,
				apply(big, allocation(i, from, PLAIN, (uint16_t)(PORT_MIN + i))),
				0));
			cr_assert(eq(int, apply(big, permission(i, nth(i))), 0));
			cr_assert(eq(int, apply(big, channel(i, nth(i), CHANNEL)), 0));
		}
		cr_assert(eq(u32, usage(big).allocations, 10000));
		cr_assert(eq(u32, usage(big).channels, 10000));
		for (uint32_t i = 0; i < 10000; i++) {
			struct relay_decision d = on_channel(big, nth(i), CHANNEL, T0);

			cr_assert(eq(u32, d.allocation, i));
			d = from_peer(big, PLAIN, (uint16_t)(PORT_MIN + i), nth(i), 1, T0);
			cr_assert(eq(u32, d.allocation, i));
			cr_assert(eq(int, d.front_length, 4));
		}
		if (round == 1)
			apply(big, (struct tp_command){.kind = TP_SWEEP, .generation = 9});
		for (uint32_t i = 0; i < 10000; i++)
			drop_as(big, allocation(i, nth(i), PLAIN, PORT_MIN), TP_DROP_ALLOCATION);
		cr_assert(eq(u32, usage(big).allocations, 0));
		cr_assert(eq(u32, usage(big).permissions, 0));
		cr_assert(eq(u32, usage(big).channels, 0));
		cr_dropped(on_channel(big, nth(1), CHANNEL, T0), channel_unbound);
	}
	relay_destroy(big);
}

Test(peers, capabilities_out_of_bounds_make_no_relay)
{
	struct relay_config good = config(), bad;
	struct relay *none = NULL;

#define refused(change) \
	do { \
		bad = good; \
		bad.capabilities.change; \
		cr_assert(eq(int, relay_create(&none, &bad), -EINVAL), #change); \
		cr_assert(none == NULL); \
	} while (0)
	refused(allocations = 0);
	refused(allocations = TP_ALLOCATIONS_MAX + 1);
	refused(peers = 0);
	refused(peers = UINT32_MAX);
	refused(relays = 0);
	refused(relays = TP_RELAYS_MAX + 1);
	refused(servers = 0);
	refused(servers = TP_SERVERS_MAX + 1);
	refused(port_min = 0);
	refused(port_min = PORT_MAX + 1);
	refused(channel_max = 0x4ffe);
	refused(relay[0].public_ = ep("2001:db8::1", 0).ip);
	relay_destroy(NULL);
}
