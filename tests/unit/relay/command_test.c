// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Commands: what they make, that puts are idempotent, what is refused.

#include "fixture.h"

static struct relay *r;
static struct tp_endpoint client, other, peer;

static struct {
	unsigned int calls;
	uint32_t allocation;
	uint8_t relay;
	uint16_t port;
	bool alive; // it was still there when we were told
} told;

static void on_dropped(void *context, uint32_t allocation, uint8_t relay, uint16_t port)
{
	cr_assert(eq(ptr, context, &told));
	told.calls++;
	told.allocation = allocation;
	told.relay = relay;
	told.port = port;
	told.alive = from_peer(r, relay, port, peer, 1, T0).verdict == RELAY_CLIENT;
}

static void set_up(void)
{
	r = small_relay();
	client = ep("192.0.2.77", 5000);
	other = ep("192.0.2.77", 5001);
	peer = ep("198.18.1.2", 6000);
	relay_on_dropped(r, on_dropped, &told);
}

static void tear_down(void)
{
	relay_destroy(r);
}

TestSuite(command, .init = set_up, .fini = tear_down);

static void put_all(uint32_t slot, struct tp_endpoint from, uint16_t port)
{
	cr_assert(eq(int, apply(r, allocation(slot, from, PLAIN, port)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, permission(slot, peer)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, channel(slot, peer, CHANNEL)), TP_STATUS_OK));
}

static void expect_usage(uint32_t allocations, uint32_t permissions, uint32_t channels)
{
	struct relay_usage u = usage(r);

	cr_assert(eq(u32, u.allocations, allocations));
	cr_assert(eq(u32, u.permissions, permissions));
	cr_assert(eq(u32, u.channels, channels));
	cr_assert(eq(u32, u.peers_capacity, PEERS));
}

Test(command, puts_are_idempotent)
{
	for (int i = 0; i < 1000; i++)
		put_all(0, client, PORT_MIN);
	expect_usage(1, 1, 1);
	cr_assert(eq(int, on_channel(r, client, CHANNEL, T0).verdict, RELAY_PEER));
	cr_assert(eq(int, from_peer(r, PLAIN, PORT_MIN, peer, 1, T0).front_length, 4));
	cr_assert(eq(u32, told.calls, 0));
}

Test(command, drops_of_what_is_not_there_succeed)
{
	cr_assert(
		eq(int, drop_as(r, allocation(0, client, PLAIN, PORT_MIN), TP_DROP_ALLOCATION), 0));
	cr_assert(eq(int, drop_as(r, permission(0, peer), TP_DROP_PERMISSION), 0));
	cr_assert(eq(int, drop_as(r, channel(0, peer, CHANNEL), TP_DROP_CHANNEL), 0));
	put_all(0, client, PORT_MIN);
	cr_assert(eq(int, drop_as(r, permission(0, ep("198.18.1.3", 0)), TP_DROP_PERMISSION), 0));
	cr_assert(eq(int, drop_as(r, channel(0, peer, CHANNEL + 1), TP_DROP_CHANNEL), 0));
	// Nor is a number that no channel can have.
	cr_assert(eq(int, drop_as(r, channel(0, peer, 1), TP_DROP_CHANNEL), 0));
	cr_assert(eq(int, drop_as(r, channel(0, peer, 0x7fff), TP_DROP_CHANNEL), 0));
	expect_usage(1, 1, 1);
	cr_assert(eq(u32, told.calls, 0));
}

Test(command, what_is_dropped_is_gone_and_nothing_else)
{
	put_all(0, client, PORT_MIN);
	drop_as(r, channel(0, peer, CHANNEL), TP_DROP_CHANNEL);
	cr_dropped(on_channel(r, client, CHANNEL, T0), channel_unbound);
	cr_assert(eq(int, from_peer(r, PLAIN, PORT_MIN, peer, 1, T0).front_length, 36));
	expect_usage(1, 1, 0);
	put_all(0, client, PORT_MIN);
	drop_as(r, permission(0, peer), TP_DROP_PERMISSION);
	cr_dropped(from_peer(r, PLAIN, PORT_MIN, peer, 1, T0), peer_no_permission);
	cr_assert(eq(int, on_channel(r, client, CHANNEL, T0).verdict, RELAY_PEER));
	expect_usage(1, 0, 1);
}

Test(command, an_allocation_takes_its_permissions_and_channels_with_it)
{
	put_all(0, client, PORT_MIN);
	put_all(1, other, PORT_MIN + 1);
	drop_as(r, allocation(0, client, PLAIN, PORT_MIN), TP_DROP_ALLOCATION);
	expect_usage(1, 1, 1);
	cr_assert(eq(u32, told.calls, 1));
	cr_assert(eq(u32, told.allocation, 0));
	cr_assert(eq(int, told.relay, PLAIN));
	cr_assert(eq(int, told.port, PORT_MIN));
	cr_assert(told.alive);
	cr_dropped(from_peer(r, PLAIN, PORT_MIN, peer, 1, T0), peer_no_allocation);
	cr_dropped(on_channel(r, client, CHANNEL, T0), channel_unbound);
	// The next one in the slot begins with nothing.
	apply(r, allocation(0, client, PLAIN, PORT_MIN));
	cr_dropped(from_peer(r, PLAIN, PORT_MIN, peer, 1, T0), peer_no_permission);
	cr_dropped(on_channel(r, client, CHANNEL, T0), channel_unbound);
	cr_dropped(by_send(r, client, peer, T0), send_no_permission);
}

Test(command, an_allocation_put_again_keeps_what_it_has)
{
	put_all(0, client, PORT_MIN);
	apply(r, allocation(0, client, PLAIN, PORT_MIN));
	expect_usage(1, 1, 1);
	cr_assert(eq(int, from_peer(r, PLAIN, PORT_MIN, peer, 1, T0).front_length, 4));
}

Test(command, another_allocation_in_the_slot_replaces_the_former)
{
	put_all(0, client, PORT_MIN);
	cr_assert(eq(int, apply(r, allocation(0, client, PLAIN, PORT_MIN + 1)), TP_STATUS_OK));
	cr_assert(eq(u32, told.calls, 1));
	cr_assert(eq(int, told.port, PORT_MIN));
	expect_usage(1, 0, 0);
	cr_dropped(from_peer(r, PLAIN, PORT_MIN, peer, 1, T0), peer_no_allocation);
	cr_dropped(from_peer(r, PLAIN, PORT_MIN + 1, peer, 1, T0), peer_no_permission);
	cr_dropped(by_send(r, client, peer, T0), send_no_permission);
	// With another client only, the relay port goes on being used: its socket must stay.
	cr_assert(eq(int, apply(r, allocation(0, other, PLAIN, PORT_MIN + 1)), TP_STATUS_OK));
	cr_assert(eq(u32, told.calls, 1));
	cr_dropped(by_send(r, client, peer, T0), send_no_allocation);
	cr_dropped(by_send(r, other, peer, T0), send_no_permission);
	expect_usage(1, 0, 0);
}

Test(command, a_port_or_client_of_another_slot_is_refused)
{
	put_all(0, client, PORT_MIN);
	put_all(1, other, PORT_MIN + 1);
	cr_assert(eq(int, apply(r, allocation(2, ep("192.0.2.9", 9), PLAIN, PORT_MIN)),
		TP_STATUS_PORT_TAKEN));
	cr_assert(
		eq(int, apply(r, allocation(2, client, PLAIN, PORT_MIN + 2)), TP_STATUS_CONFLICT));
	cr_assert(eq(
		int, apply(r, allocation(0, client, PLAIN, PORT_MIN + 1)), TP_STATUS_PORT_TAKEN));
	cr_assert(eq(int, apply(r, allocation(0, other, PLAIN, PORT_MIN)), TP_STATUS_CONFLICT));
	expect_usage(2, 2, 2);
	cr_assert(eq(u32, told.calls, 0));
	cr_assert(eq(int, on_channel(r, client, CHANNEL, T0).verdict, RELAY_PEER));
	// The same port of another relay address is another port.
	cr_assert(
		eq(int, apply(r, allocation(2, ep("192.0.2.9", 9), NAT, PORT_MIN)), TP_STATUS_OK));
}

Test(command, what_an_earlier_generation_left_at_a_port_or_client_goes)
{
	struct tp_command c;

	put_all(0, client, PORT_MIN);
	put_all(1, other, PORT_MIN + 1);
	// In reverse order: each slot finds its port or its client at the other.
	c = allocation(0, other, PLAIN, PORT_MIN + 2);
	c.generation = 2;
	cr_assert(eq(int, apply(r, c), TP_STATUS_OK));
	cr_assert(eq(u32, told.calls, 2)); // slot 1, which had the client, and slot 0's former port
	expect_usage(1, 0, 0);
	put_all(1, client, PORT_MIN + 1);
	c = allocation(2, ep("192.0.2.9", 9), PLAIN, PORT_MIN + 1);
	c.generation = 2;
	cr_assert(eq(int, apply(r, c), TP_STATUS_OK));
	cr_assert(eq(u32, told.calls, 3));
	cr_assert(eq(u32, told.allocation, 1));
	cr_assert(eq(int, told.port, PORT_MIN + 1));
	cr_assert(told.alive);
	expect_usage(2, 0, 0);
	cr_dropped(on_channel(r, client, CHANNEL, T0), channel_unbound);
	// One that is refused for what is of its own generation leaves the other's alone.
	put_all(1, client, PORT_MIN + 3);
	c = allocation(3, client, PLAIN, PORT_MIN + 1);
	c.generation = 2;
	cr_assert(eq(int, apply(r, c), TP_STATUS_PORT_TAKEN));
	expect_usage(3, 1, 1);
	cr_assert(eq(u32, told.calls, 3));
}

Test(command, permissions_and_channels_need_an_allocation)
{
	cr_assert(eq(int, apply(r, permission(0, peer)), TP_STATUS_NO_ALLOCATION));
	cr_assert(eq(int, apply(r, channel(0, peer, CHANNEL)), TP_STATUS_NO_ALLOCATION));
	expect_usage(0, 0, 0);
}

Test(command, a_bound_number_or_peer_is_not_bound_otherwise)
{
	put_all(0, client, PORT_MIN);
	cr_assert(eq(int, apply(r, channel(0, peer, CHANNEL + 1)), TP_STATUS_CONFLICT));
	cr_assert(
		eq(int, apply(r, channel(0, ep("198.18.1.2", 6001), CHANNEL)), TP_STATUS_CONFLICT));
	cr_assert(eq(int, apply(r, channel(0, ep("198.18.1.2", 6001), CHANNEL + 1)), TP_STATUS_OK));
	// Crosswise both are in force.
	cr_assert(eq(int, apply(r, channel(0, peer, CHANNEL + 1)), TP_STATUS_CONFLICT));
	expect_usage(1, 1, 2);
	cr_endpoint(on_channel(r, client, CHANNEL, T0).to, peer);
	cr_endpoint(on_channel(r, client, CHANNEL + 1, T0).to, ep("198.18.1.2", 6001));
}

Test(command, an_expired_number_and_peer_are_free)
{
	struct tp_endpoint second = ep("198.18.1.9", 6001);
	struct tp_command c = channel(0, second, CHANNEL);
	uint64_t end = T0 + 10 * TICK;

	apply(r, allocation(0, client, PLAIN, PORT_MIN));
	apply_until(r, channel(0, peer, CHANNEL), end);
	apply_until(r, channel(0, second, CHANNEL + 1), end);
	cr_assert(eq(int, relay_apply(r, &c, end - 1), TP_STATUS_CONFLICT));
	cr_assert(eq(int, relay_apply(r, &c, end), TP_STATUS_OK));
	expect_usage(1, 0, 1);
	cr_endpoint(on_channel(r, client, CHANNEL, end).to, second);
	cr_dropped(on_channel(r, client, CHANNEL + 1, end), channel_unbound);
}

Test(command, fields_out_of_bounds_are_refused)
{
	struct tp_endpoint six = ep("2001:db8::9", 9);
	struct tp_command good = allocation(0, client, PLAIN, PORT_MIN), bad;

#define refused(change) \
	do { \
		bad = good; \
		change; \
		cr_assert(eq(int, relay_apply(r, &bad, T0), TP_STATUS_INVALID), #change); \
	} while (0)
	refused(bad.allocation = ALLOCATIONS);
	refused(bad.allocation = UINT32_MAX);
	refused(bad.relay = 3);
	refused(bad.relay = 255);
	refused(bad.server = 2);
	refused(bad.server = 1); // an IPv6 server has no IPv4 client
	refused(bad.transport = 1);
	refused(bad.relay_port = PORT_MIN - 1);
	refused(bad.relay_port = PORT_MAX + 1);
	refused(bad.relay_port = 0);
	refused(bad.client.port = 0);
	refused(bad.client.zero[1] = 1);
	refused(bad.client = six);
	refused(bad.kind = 0);
	refused(bad.kind = TP_MOVE_ALLOCATION + 1);
	refused(bad.kind = UINT16_MAX);
	expect_usage(0, 0, 0);
	cr_assert(eq(int, relay_apply(r, &good, T0), TP_STATUS_OK));

	good = channel(0, peer, CHANNEL);
	refused(bad.allocation = ALLOCATIONS);
	refused(bad.channel = 0x3fff);
	refused(bad.channel = 0x5000);
	refused(bad.channel = 0);
	refused(bad.peer.port = 0);
	refused(bad.peer.zero[2] = 1);
	refused(bad.peer = six);
	refused(bad.kind = TP_DROP_PERMISSION; bad.allocation = ALLOCATIONS);
	refused(bad.kind = TP_DROP_ALLOCATION; bad.allocation = ALLOCATIONS);
	good = permission(0, peer);
	refused(bad.peer = six);
	refused(bad.allocation = ALLOCATIONS);
	expect_usage(1, 0, 0);
}

Test(command, a_sweep_leaves_its_generation_only)
{
	struct tp_command sweep = {.kind = TP_SWEEP, .generation = 2};
	struct tp_endpoint second = ep("198.18.1.9", 6001);
	struct tp_command c;

	put_all(0, client, PORT_MIN);
	put_all(1, other, PORT_MIN + 1);
	apply(r, permission(1, second));
	apply(r, channel(1, second, CHANNEL + 1));
	c = allocation(1, other, PLAIN, PORT_MIN + 1);
	c.generation = 2;
	apply(r, c);
	c = permission(1, second);
	c.generation = 2;
	apply(r, c);
	c = channel(1, second, CHANNEL + 1);
	c.generation = 2;
	apply(r, c);
	cr_assert(eq(int, apply(r, sweep), TP_STATUS_OK));
	expect_usage(1, 1, 1);
	cr_assert(eq(u32, told.calls, 1));
	cr_assert(eq(u32, told.allocation, 0));
	cr_dropped(from_peer(r, PLAIN, PORT_MIN, peer, 1, T0), peer_no_allocation);
	cr_dropped(from_peer(r, PLAIN, PORT_MIN + 1, peer, 1, T0), peer_no_permission);
	cr_assert(eq(int, from_peer(r, PLAIN, PORT_MIN + 1, second, 1, T0).front_length, 4));
	cr_dropped(on_channel(r, other, CHANNEL, T0), channel_unbound);
	cr_endpoint(on_channel(r, other, CHANNEL + 1, T0).to, second);
	// Idempotent, and the rest goes with the next.
	apply(r, sweep);
	expect_usage(1, 1, 1);
	sweep.generation = 3;
	apply(r, sweep);
	expect_usage(0, 0, 0);
}

Test(command, a_sweep_in_parts_looks_at_and_drops_as_many_as_it_may_and_leaves_the_same)
{
	struct tp_command c = allocation(1, other, PLAIN, PORT_MIN + 1);
	uint32_t at;

	put_all(0, client, PORT_MIN);
	put_all(1, other, PORT_MIN + 1);
	c.generation = 2;
	apply(r, c);
	// A permission and a channel of each come first.
	at = relay_sweep(r, 2, 0, 1, 100);
	cr_assert(eq(u32, at, 1));
	expect_usage(2, 1, 2);
	at = relay_sweep(r, 2, at, 100, 2);
	cr_assert(eq(u32, at, 3));
	expect_usage(2, 0, 1);
	at = relay_sweep(r, 2, at, 100, 2);
	cr_assert(eq(u32, at, 5));
	expect_usage(1, 0, 0);
	cr_assert(eq(u32, told.calls, 1));
	cr_assert(eq(u32, relay_sweep(r, 2, at, ALLOCATIONS - 1, 1), 0));
	expect_usage(1, 0, 0);
}

Test(command, traffic_is_kept_over_channels_and_ends_with_the_allocation)
{
	struct relay_traffic t;

	put_all(0, client, PORT_MIN);
	on_channel(r, client, CHANNEL, T0); // 3 bytes
	by_send(r, client, peer, T0); // 3 bytes
	from_peer(r, PLAIN, PORT_MIN, peer, 100, T0);
	drop_as(r, channel(0, peer, CHANNEL), TP_DROP_CHANNEL);
	apply(r, channel(0, peer, CHANNEL + 1));
	on_channel(r, client, CHANNEL + 1, T0);
	from_peer(r, PLAIN, PORT_MIN, peer, 50, T0);
	on_channel(r, client, CHANNEL, T0); // unbound
	relay_traffic(r, 0, &t);
	cr_assert(eq(u64, t.to_peer_packets, 3));
	cr_assert(eq(u64, t.to_peer_bytes, 9));
	cr_assert(eq(u64, t.to_client_packets, 2));
	cr_assert(eq(u64, t.to_client_bytes, 150));
	drop_as(r, allocation(0, client, PLAIN, PORT_MIN), TP_DROP_ALLOCATION);
	relay_traffic(r, 0, &t);
	cr_assert(eq(u64, t.to_peer_packets + t.to_client_packets, 0));
	relay_traffic(r, UINT32_MAX, &t);
	cr_assert(eq(u64, t.to_peer_packets + t.to_client_packets, 0));
}
