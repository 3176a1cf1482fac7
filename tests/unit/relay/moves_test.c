// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Clients that move (RFC 8016 section 3.2.2).

#include "fixture.h"
#include "holder.h"

static struct relay *r;
static struct tp_endpoint home, away, further, peer, other;

static struct tp_command move(uint32_t slot, struct tp_endpoint to)
{
	return (struct tp_command){
		.kind = TP_MOVE_ALLOCATION,
		.allocation = slot,
		.generation = 1,
		.server = tp_ip_is4(&to.ip) ? 0 : 1,
		.client = to,
	};
}

static void set_up(void)
{
	r = small_relay();
	home = ep("192.0.2.77", 5000);
	away = ep("192.0.2.99", 5001);
	further = ep("2001:db8:c::1", 5002);
	peer = ep("198.18.1.1", 6000);
	other = ep("198.18.1.2", 6001);
	cr_assert(eq(int, apply(r, allocation(0, home, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, permission(0, peer)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, channel(0, peer, CHANNEL)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, permission(0, other)), TP_STATUS_OK));
}

static void tear_down(void)
{
	relay_destroy(r);
}

TestSuite(moves, .init = set_up, .fini = tear_down);

static void relayed_from(struct tp_endpoint client)
{
	struct relay_decision d = on_channel(r, client, CHANNEL, T0);

	cr_assert(eq(int, d.verdict, RELAY_PEER));
	cr_endpoint(d.to, peer);
	cr_assert(eq(int, d.port, PORT_MIN));
	cr_assert(eq(u32, d.allocation, 0));
	d = by_send(r, client, other, T0);
	cr_assert(eq(int, d.verdict, RELAY_PEER));
	cr_endpoint(d.to, other);
	cr_assert(eq(int, d.port, PORT_MIN));
}

static void refused_from(struct tp_endpoint client)
{
	cr_dropped(on_channel(r, client, CHANNEL, T0), channel_unbound);
	cr_dropped(by_send(r, client, other, T0), send_no_allocation);
}

static void relayed_to(struct tp_endpoint client)
{
	struct relay_decision d = from_peer(r, PLAIN, PORT_MIN, peer, 5, T0);

	cr_assert(eq(int, d.verdict, RELAY_CLIENT));
	cr_endpoint(d.to, client);
	cr_assert(eq(int, d.server, tp_ip_is4(&client.ip) ? 0 : 1));
	cr_assert(eq(int, d.front_length, 4));
	d = from_peer(r, PLAIN, PORT_MIN, other, 5, T0);
	cr_endpoint(d.to, client);
}

Test(moves, data_is_taken_from_both_and_goes_to_the_former_until_it_is_put_there)
{
	refused_from(away);
	cr_assert(eq(int, apply(r, move(0, away)), TP_STATUS_OK));
	for (int i = 0; i < 3; i++) {
		relayed_from(home);
		relayed_from(away);
		relayed_to(home);
	}
	cr_assert(eq(int, apply(r, allocation(0, away, PLAIN, PORT_MIN)), TP_STATUS_OK));
	relayed_from(away);
	relayed_to(away);
	refused_from(home);
	cr_assert(eq(u32, usage(r).allocations, 1));
	cr_assert(eq(u32, usage(r).channels, 1));
	cr_assert(eq(u32, usage(r).permissions, 2));
}

Test(moves, to_another_family_of_the_client_changes_the_server_too)
{
	cr_assert(eq(int, apply(r, move(0, further)), TP_STATUS_OK));
	relayed_from(further);
	relayed_to(home);
	cr_assert(eq(int, apply(r, allocation(0, further, PLAIN, PORT_MIN)), TP_STATUS_OK));
	relayed_from(further);
	relayed_to(further);
	refused_from(home);
}

Test(moves, the_first_data_from_there_is_told_once_in_a_tick)
{
	struct tp_arrival a;

	cr_assert(eq(int, apply(r, move(0, away)), TP_STATUS_OK));
	relayed_from(home);
	cr_assert_not(relay_arrival(r, &a));
	for (int tick = 0; tick < 3; tick++) {
		on_channel(r, away, CHANNEL, T0 + (uint64_t)tick * TICK);
		by_send(r, away, other, T0 + (uint64_t)tick * TICK);
		cr_assert(relay_arrival(r, &a));
		cr_endpoint(a.client, away);
		cr_assert(eq(u32, a.allocation, 0));
		cr_assert(eq(int, a.server, 0));
		cr_assert(eq(int, a.transport, TP_UDP));
		cr_assert(eq(int, a.zero, 0));
		cr_assert_not(relay_arrival(r, &a));
	}
	cr_assert(eq(int, apply(r, allocation(0, away, PLAIN, PORT_MIN)), TP_STATUS_OK));
	on_channel(r, away, CHANNEL, T0 + 9 * TICK);
	cr_assert_not(relay_arrival(r, &a));
}

Test(moves, what_does_not_get_through_is_an_arrival_all_the_same)
{
	struct tp_arrival a;

	cr_assert(eq(int, apply(r, move(0, away)), TP_STATUS_OK));
	cr_dropped(on_channel(r, away, CHANNEL + 1, T0), channel_unbound);
	cr_assert(relay_arrival(r, &a));
	cr_dropped(by_send(r, away, ep("198.18.9.9", 1), T0 + TICK), send_no_permission);
	cr_assert(relay_arrival(r, &a));
}

Test(moves, a_request_from_there_is_a_client_s_that_is_known)
{
	const uint8_t request[20] = {0, 4, 0, 0, 0x21, 0x12, 0xa4, 0x42};

	cr_assert(eq(int, from_client(r, away, request, 20, T0).known, 0));
	cr_assert(eq(int, apply(r, move(0, away)), TP_STATUS_OK));
	cr_assert(eq(int, from_client(r, away, request, 20, T0).known, 1));
	cr_assert(eq(int, from_client(r, home, request, 20, T0).known, 1));
	cr_assert(eq(int, from_client(r, away, request, 20, LATE).known, 0));
}

Test(moves, what_is_over_is_over_from_there_too)
{
	cr_assert(eq(int, apply(r, move(0, away)), TP_STATUS_OK));
	cr_dropped(on_channel(r, away, CHANNEL, LATE), client_expired);
	cr_dropped(by_send(r, away, other, LATE), client_expired);
	apply_until(r, channel(0, peer, CHANNEL), T0 + 10 * TICK);
	cr_dropped(on_channel(r, away, CHANNEL, T0 + 10 * TICK), channel_unbound);
}

Test(moves, a_channel_bound_on_the_way_is_both_places)
{
	struct tp_endpoint third = ep("198.18.1.3", 6002);

	cr_assert(eq(int, apply(r, move(0, away)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, channel(0, third, CHANNEL + 1)), TP_STATUS_OK));
	cr_endpoint(on_channel(r, away, CHANNEL + 1, T0).to, third);
	cr_endpoint(on_channel(r, home, CHANNEL + 1, T0).to, third);
	cr_assert(eq(int, apply(r, allocation(0, away, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_endpoint(on_channel(r, away, CHANNEL + 1, T0).to, third);
	cr_dropped(on_channel(r, home, CHANNEL + 1, T0), channel_unbound);
	cr_assert(
		eq(int, drop_as(r, channel(0, third, CHANNEL + 1), TP_DROP_CHANNEL), TP_STATUS_OK));
	cr_dropped(on_channel(r, away, CHANNEL + 1, T0), channel_unbound);
}

Test(moves, a_refresh_on_the_way_keeps_it_and_one_of_another_generation_ends_it)
{
	struct tp_command again = allocation(0, home, PLAIN, PORT_MIN);

	cr_assert(eq(int, apply(r, move(0, away)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, again), TP_STATUS_OK));
	relayed_from(away);
	again.generation = 2;
	cr_assert(eq(int, apply(r, again), TP_STATUS_OK));
	refused_from(away);
	relayed_from(home);
}

Test(moves, another_place_takes_the_place_of_the_first)
{
	cr_assert(eq(int, apply(r, move(0, away)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, move(0, further)), TP_STATUS_OK));
	refused_from(away);
	relayed_from(further);
	relayed_from(home);
	// Its own ends it.
	cr_assert(eq(int, apply(r, move(0, home)), TP_STATUS_OK));
	refused_from(further);
	relayed_from(home);
	relayed_to(home);
}

Test(moves, a_place_that_another_allocation_has_is_refused_and_changes_nothing)
{
	cr_assert(eq(int, apply(r, allocation(1, away, PLAIN, PORT_MIN + 1)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, move(0, away)), TP_STATUS_CONFLICT));
	cr_assert(eq(int, apply(r, move(0, further)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, move(1, further)), TP_STATUS_CONFLICT));
	cr_assert(
		eq(int, apply(r, allocation(2, further, PLAIN, PORT_MIN + 2)), TP_STATUS_CONFLICT));
	relayed_from(further);
	cr_assert(eq(int, apply(r, move(3, further)), TP_STATUS_NO_ALLOCATION));
}

Test(moves, fields_out_of_bounds_are_refused)
{
	struct tp_command bad;
#define refused(change) \
	do { \
		bad = move(0, away); \
		change; \
		cr_assert(eq(int, apply(r, bad), TP_STATUS_INVALID), #change); \
	} while (0)

	refused(bad.allocation = ALLOCATIONS);
	refused(bad.server = 2);
	refused(bad.server = 1);
	refused(bad.transport = 1);
	refused(bad.client.port = 0);
	refused(bad.client.zero[2] = 1);
	relayed_from(home);
	refused_from(away);
}

Test(moves, dropping_the_allocation_leaves_nothing_of_it)
{
	struct tp_arrival a;

	cr_assert(eq(int, apply(r, move(0, away)), TP_STATUS_OK));
	drop_as(r, allocation(0, home, PLAIN, PORT_MIN), TP_DROP_ALLOCATION);
	refused_from(home);
	refused_from(away);
	cr_assert_not(relay_arrival(r, &a));
	// Both places are free.
	cr_assert(eq(int, apply(r, allocation(1, away, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, allocation(2, home, PLAIN, PORT_MIN + 1)), TP_STATUS_OK));
	cr_assert(eq(u32, usage(r).allocations, 2));
}

Test(moves, what_was_relayed_before_counts_on)
{
	struct relay_traffic t;

	relayed_from(home);
	relayed_to(home);
	cr_assert(eq(int, apply(r, move(0, away)), TP_STATUS_OK));
	relayed_from(away);
	relayed_to(home);
	cr_assert(eq(int, apply(r, allocation(0, away, PLAIN, PORT_MIN)), TP_STATUS_OK));
	relayed_from(away);
	relayed_to(away);
	relay_traffic(r, 0, &t);
	cr_assert(eq(u64, t.to_peer_packets, 6));
	cr_assert(eq(u64, t.to_peer_bytes, 18));
	cr_assert(eq(u64, t.to_client_packets, 6));
	cr_assert(eq(u64, t.to_client_bytes, 30));
}

Test(moves, destinations_are_taken_for_both_and_given_back_with_the_former)
{
	struct holder holder = {.room = HOLDER_ADDRESSES};
	struct relay *own = small_relay();
	struct relay_decision d;

	relay_on_destinations(own, holder_take, holder_give_back, &holder);
	cr_assert(eq(int, apply(own, allocation(0, home, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_assert(eq(int, apply(own, permission(0, peer)), TP_STATUS_OK));
	cr_assert(eq(u32, holder_held(&holder), 2));
	cr_assert(eq(int, apply(own, move(0, away)), TP_STATUS_OK));
	cr_assert(eq(u32, holder_held(&holder), 3));
	d = from_peer(own, PLAIN, PORT_MIN, peer, 1, T0);
	cr_assert(eq(u32, d.destination, holder_of(&holder, &home)));
	cr_assert(eq(int, apply(own, allocation(0, away, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_assert(eq(u32, holder_held(&holder), 2));
	d = from_peer(own, PLAIN, PORT_MIN, peer, 1, T0);
	cr_assert(eq(u32, d.destination, holder_of(&holder, &away)));
	holder.room = 0;
	cr_assert(eq(int, apply(own, move(0, home)), TP_STATUS_NO_SPACE));
	relay_destroy(own);
}
