// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the maps hold is what the tables say: whatever the program relays, the tables would, and what the tables
// would relay, the program never drops.

#include "pair.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

TestSuite(mirror, .init = pair_start, .fini = pair_stop);

static struct tp_command until(struct tp_command c, uint64_t expires_ms)
{
	c.expires_ms = expires_ms;
	return c;
}

static enum fake_verdict client_verdict(struct tp_endpoint client, uint16_t channel, uint64_t now)
{
	const struct xdp_client *entry;

	return fake_from_client(&pair.fake, &client, channel, now, &entry);
}

static enum fake_verdict peer_verdict(struct tp_endpoint peer, uint64_t now)
{
	uint16_t number;

	return fake_from_peer(&pair.fake, PLAIN, PORT_MIN, &peer, now, &number);
}

Test(mirror, a_channel_and_its_permission_let_both_directions_through)
{
	struct tp_endpoint client = ep("192.0.2.9", 4000), peer = ep("203.0.113.9", 5000);
	struct tp_endpoint from = ep("198.51.100.1", PORT_MIN), server = ep("192.0.2.1", 3478);
	const struct xdp_client *entry;
	const struct xdp_port *port = &pair.fake.port[0];
	uint16_t number;

	cr_assert(eq(int, pair_run(0, allocation(3, client, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_assert(eq(int, pair_run(0, permission(3, peer)), TP_STATUS_OK));
	cr_assert(eq(int, pair_run(0, channel(3, peer, CHANNEL)), TP_STATUS_OK));

	cr_assert(eq(int, fake_from_client(&pair.fake, &client, CHANNEL, T0, &entry), FAKE_RELAY));
	cr_assert(tp_ip_equal(&entry->peer, &peer.ip));
	cr_assert(eq(u16, entry->peer_port, 5000));
	cr_assert(eq(u16, entry->relay_port, PORT_MIN));
	cr_assert(eq(u32, entry->sum, xdp_sum(&from, &peer)));
	cr_assert(tp_ip_equal(&pair.fake.destination[entry->destination].ip, &peer.ip));

	cr_assert(eq(
		int, fake_from_peer(&pair.fake, PLAIN, PORT_MIN, &peer, T0, &number), FAKE_RELAY));
	cr_assert(eq(u16, number, CHANNEL));
	cr_assert(tp_ip_equal(&port->client, &client.ip));
	cr_assert(eq(u16, port->client_port, 4000));
	cr_assert(eq(u32, port->sum, xdp_sum(&server, &client)));
	cr_assert(tp_ip_equal(&pair.fake.destination[port->destination].ip, &client.ip));
	// A channel alone lets nothing in.
	cr_assert(eq(int, pair_run(0, as(TP_DROP_PERMISSION, permission(3, peer))), TP_STATUS_OK));
	cr_assert(eq(int, peer_verdict(peer, T0), FAKE_PASS));
}

Test(mirror, an_entry_lasts_as_long_as_the_shortest_of_what_it_depends_on)
{
	struct tp_endpoint client = ep("192.0.2.9", 4000), peer = ep("203.0.113.9", 5000);

	pair_run(0, until(allocation(0, client, PLAIN, PORT_MIN), T0 + 3000));
	pair_run(0, until(permission(0, peer), T0 + 2000));
	pair_run(0, until(channel(0, peer, CHANNEL), T0 + 9000));
	cr_assert(eq(int, peer_verdict(peer, T0 + 1800), FAKE_RELAY));
	cr_assert(eq(int, peer_verdict(peer, T0 + 2001), FAKE_PASS));
	cr_assert(eq(int, client_verdict(client, CHANNEL, T0 + 2800), FAKE_RELAY));
	cr_assert(eq(int, client_verdict(client, CHANNEL, T0 + 3001), FAKE_PASS));
	// A refresh of the permission reaches its channels, one of the allocation everything.
	pair_run(0, until(permission(0, peer), T0 + 8000));
	cr_assert(eq(int, peer_verdict(peer, T0 + 2800), FAKE_RELAY));
	cr_assert(eq(int, peer_verdict(peer, T0 + 3001), FAKE_PASS));
	pair_run(0, until(allocation(0, client, PLAIN, PORT_MIN), T0 + 20000));
	cr_assert(eq(int, peer_verdict(peer, T0 + 7800), FAKE_RELAY));
	cr_assert(eq(int, peer_verdict(peer, T0 + 8001), FAKE_PASS));
	cr_assert(eq(int, client_verdict(client, CHANNEL, T0 + 8800), FAKE_RELAY));
	cr_assert(eq(int, client_verdict(client, CHANNEL, T0 + 9001), FAKE_PASS));
	// And so does one that shortens it.
	pair_run(0, until(allocation(0, client, PLAIN, PORT_MIN), T0 + 1000));
	cr_assert(eq(int, peer_verdict(peer, T0 + 1001), FAKE_PASS));
	cr_assert(eq(int, client_verdict(client, CHANNEL, T0 + 1001), FAKE_PASS));
}

Test(mirror, our_own_addresses_in_either_form_pass_up_and_take_no_hop)
{
	struct tp_endpoint client = ep("192.0.2.9", 4000);
	struct tp_endpoint local = ep("10.0.0.5", PORT_MIN), public = ep("203.0.113.5", PORT_MIN);
	const struct xdp_client *entry;

	pair_run(0, allocation(0, client, PLAIN, PORT_MIN));
	for (uint16_t n = 0; n < 2; n++) {
		struct tp_endpoint own = n ? public : local;

		cr_assert(eq(int, pair_run(0, permission(0, own)), TP_STATUS_OK));
		cr_assert(eq(int, pair_run(0, channel(0, own, CHANNEL + n)), TP_STATUS_OK));
		cr_assert(eq(int, fake_from_client(&pair.fake, &client, CHANNEL + n, T0, &entry),
			FAKE_PASS));
		cr_assert(eq(int, entry->relay &XDP_HAIRPIN, XDP_HAIRPIN));
	}
	cr_assert(eq(u32, fake_destinations(&pair.fake), 1), "the client's alone");
}

// Whose packets never come by the wire.
Test(mirror, a_peer_of_our_own_takes_no_place_in_the_port)
{
	struct tp_endpoint own = ep("203.0.113.5", PORT_MIN + 1), peer = ep("203.0.113.9", 5000);
	const struct xdp_port *port = &pair.fake.port[0];

	pair_run(0, allocation(0, ep("192.0.2.9", 4000), PLAIN, PORT_MIN));
	pair_run(0, permission(0, own));
	pair_run(0, permission(0, peer));
	pair_run(0, channel(0, own, CHANNEL));
	cr_assert(eq(u16, port->peer.channel, 0));
	pair_run(0, channel(0, peer, CHANNEL + 1));
	cr_assert(eq(u16, port->peer.channel, CHANNEL + 1));
	pair_run(0, as(TP_DROP_CHANNEL, channel(0, peer, CHANNEL + 1)));
	cr_assert(eq(u16, port->peer.channel, 0));
}

Test(mirror, nothing_is_left_of_a_dropped_allocation)
{
	struct tp_endpoint client = ep("192.0.2.9", 4000), peer = ep("203.0.113.9", 5000);
	static const struct xdp_port none;
	struct xdp_port port;

	for (int kind = 0; kind < 3; kind++) {
		struct tp_command put = allocation(0, client, PLAIN, PORT_MIN);

		pair_run(0, put);
		pair_run(0, permission(0, peer));
		for (uint16_t n = 0; n < 4; n++)
			pair_run(0, channel(0, ep("203.0.113.9", 5000 + n), CHANNEL + n));
		if (kind == 0)
			pair_run(0, as(TP_DROP_ALLOCATION, put));
		put.kind = TP_SWEEP;
		put.generation = 7;
		if (kind == 1)
			pair_run(0, put);
		// Another client in its place.
		put = allocation(0, ep("192.0.2.10", 4000), PLAIN, PORT_MIN);
		if (kind == 2)
			pair_run(0, put);
		cr_assert(eq(int, client_verdict(client, CHANNEL, T0), FAKE_DROP));
		cr_assert(eq(int, client_verdict(client, TP_IPV4, T0), FAKE_DROP));
		cr_assert(eq(int, peer_verdict(peer, T0), FAKE_DROP));
		if (kind == 2)
			pair_run(0, as(TP_DROP_ALLOCATION, put));
		cr_assert(eq(u32, fake_entries(&pair.fake), 0));
		cr_assert(eq(u32, fake_destinations(&pair.fake), 0));
		port = pair.fake.port[0];
		port.sequence = 0;
		cr_assert(eq(int, memcmp(&port, &none, sizeof(none)), 0));
	}
}

Test(mirror, a_slot_that_moved_to_another_worker_is_not_taken_from_it_by_the_first)
{
	struct tp_endpoint first = ep("192.0.2.9", 4000), second = ep("192.0.2.10", 4000);
	struct tp_endpoint peer = ep("203.0.113.9", 5000);
	struct tp_command sweep = {.kind = TP_SWEEP, .generation = 2};
	struct tp_command put = allocation(0, second, PLAIN, PORT_MIN + 1);
	struct tp_command allow = permission(0, peer);

	pair_run(0, allocation(0, first, PLAIN, PORT_MIN));
	pair_run(0, permission(0, peer));
	put.generation = allow.generation = 2;
	cr_assert(eq(int, pair_run(1, put), TP_STATUS_OK));
	cr_assert(eq(int, pair_run(1, allow), TP_STATUS_OK));
	cr_assert(eq(int, client_verdict(first, TP_IPV4, T0), FAKE_DROP));
	cr_assert(eq(int, pair_run(0, sweep), TP_STATUS_OK));
	cr_assert(eq(int, pair_run(1, sweep), TP_STATUS_OK));
	cr_assert(eq(int, client_verdict(second, TP_IPV4, T0), FAKE_RELAY));
	cr_assert(eq(u32, fake_entries(&pair.fake), 2));
	cr_assert(eq(u32, fake_destinations(&pair.fake), 2));
}

static uint32_t peers_held(struct mirror *m)
{
	struct mirror_usage held;

	mirror_usage(m, &held);
	return held.peers;
}

Test(mirror, a_sweep_looks_at_so_many_slots_at_a_time)
{
	static const uint32_t slots[] = {0, MIRROR_SWEEP_LOOK, 2 * MIRROR_SWEEP_LOOK};
	struct relay_config large = config();
	struct tp_command kept = permission(0, ep("203.0.113.10", 0));
	struct mirror *m;
	uint32_t from = 0;

	large.capabilities.allocations = 2 * MIRROR_SWEEP_LOOK + 1;
	m = fake_mirror(&pair.fake, &large.capabilities);
	for (uint32_t i = 0; i < COUNT(slots); i++) {
		struct tp_command put = allocation(slots[i], ep("192.0.2.9", (uint16_t)(4000 + i)),
			PLAIN, (uint16_t)(PORT_MIN + i));
		struct tp_command allow = permission(slots[i], ep("203.0.113.9", 0));

		cr_assert(eq(int, mirror_apply(m, 0, &put), 0));
		cr_assert(eq(int, mirror_apply(m, 0, &allow), 0));
	}
	kept.generation = 2;
	cr_assert(eq(int, mirror_apply(m, 0, &kept), 0));
	for (uint32_t i = 0; i < COUNT(slots); i++) {
		cr_assert(eq(u32, from, slots[i]));
		cr_assert(eq(u32, peers_held(m), 1 + COUNT(slots) - i));
		cr_assert(eq(u32, mirror_sweep(m, 1, 2, from), i < 2 ? slots[i + 1] : 0));
		cr_assert(eq(u32, peers_held(m), 1 + COUNT(slots) - i), "another worker's");
		from = mirror_sweep(m, 0, 2, from);
	}
	cr_assert(eq(u32, from, 0));
	cr_assert(eq(u32, peers_held(m), 1));
	mirror_destroy(m);
}

static struct tp_command move(uint32_t slot, struct tp_endpoint client)
{
	return as(TP_MOVE_ALLOCATION, allocation(slot, client, 0, 0));
}

Test(mirror, where_a_client_moves_to_passes_up_until_it_is_put_there_and_the_other_way_round_then)
{
	struct tp_endpoint home = ep("192.0.2.9", 4000), away = ep("2001:db8::9", 4001);
	struct tp_endpoint peer = ep("203.0.113.9", 5000);
	const struct xdp_port *port = &pair.fake.port[0];

	pair_run(0, allocation(0, home, PLAIN, PORT_MIN));
	pair_run(0, permission(0, peer));
	pair_run(0, channel(0, peer, CHANNEL));
	cr_assert(eq(int, client_verdict(away, CHANNEL, T0), FAKE_DROP));
	// A second worker has it too, as it is.
	pair_run(1, allocation(0, home, PLAIN, PORT_MIN));
	pair_run(1, permission(0, peer));
	pair_run(1, channel(0, peer, CHANNEL));
	for (uint32_t w = 0; w < 2; w++)
		cr_assert(eq(int, pair_run(w, move(0, away)), TP_STATUS_OK));
	cr_assert(eq(int, client_verdict(home, CHANNEL, T0), FAKE_RELAY));
	cr_assert(eq(int, client_verdict(away, CHANNEL, T0), FAKE_PASS));
	cr_assert(eq(int, client_verdict(away, TP_IPV4, T0), FAKE_PASS));
	cr_assert(tp_ip_equal(&port->client, &home.ip));
	for (uint32_t w = 0; w < 2; w++) {
		cr_assert(eq(int, pair_run(w, allocation(0, away, PLAIN, PORT_MIN)), TP_STATUS_OK));
		cr_assert(eq(int, client_verdict(away, CHANNEL, T0), FAKE_RELAY));
		cr_assert(eq(int, client_verdict(home, CHANNEL, T0), FAKE_DROP));
		cr_assert(eq(int, client_verdict(home, TP_IPV4, T0), FAKE_DROP));
		cr_assert(eq(int, peer_verdict(peer, T0), FAKE_RELAY));
		cr_assert(tp_ip_equal(&port->client, &away.ip));
		cr_assert(eq(u16, port->client_port, 4001));
	}
	cr_assert(eq(u32, fake_entries(&pair.fake), 4));
	cr_assert(eq(u32, fake_destinations(&pair.fake), 3));
	// It goes with the last worker that has it.
	pair_run(0, as(TP_DROP_ALLOCATION, allocation(0, away, PLAIN, PORT_MIN)));
	cr_assert(eq(int, client_verdict(away, CHANNEL, T0), FAKE_RELAY));
	pair_run(1, as(TP_DROP_ALLOCATION, allocation(0, away, PLAIN, PORT_MIN)));
	cr_assert(eq(u32, fake_entries(&pair.fake) + fake_destinations(&pair.fake), 0));
}

Test(mirror, a_move_that_is_over_leaves_nothing)
{
	struct tp_endpoint home = ep("192.0.2.9", 4000), away = ep("192.0.2.10", 4001);
	struct tp_command put = allocation(0, home, PLAIN, PORT_MIN);

	for (int how = 0; how < 3; how++) {
		put.generation = 1;
		pair_run(0, put);
		pair_run(0, move(0, away));
		cr_assert(eq(int, client_verdict(away, TP_IPV4, T0), FAKE_PASS));
		if (how == 0) {
			pair_run(0, move(0, home));
		} else if (how == 1) {
			put.generation = 2;
			pair_run(0, put);
		} else {
			pair_run(0, as(TP_DROP_ALLOCATION, put));
		}
		cr_assert(eq(int, client_verdict(away, TP_IPV4, T0), FAKE_DROP));
		cr_assert(eq(u32, fake_entries(&pair.fake), how == 2 ? 0 : 1));
		pair_run(0, as(TP_DROP_ALLOCATION, put));
	}
	cr_assert(eq(u32, fake_destinations(&pair.fake), 0));
}

Test(mirror, a_map_without_room_fails_the_command_and_leaves_nothing_of_it)
{
	struct tp_endpoint client = ep("192.0.2.9", 4000), peer = ep("203.0.113.9", 5000);

	pair.fake.clients_max = 0;
	cr_assert(eq(int, pair_run(0, allocation(0, client, PLAIN, PORT_MIN)), TP_STATUS_NO_SPACE));
	cr_assert(eq(u32, fake_entries(&pair.fake) + fake_destinations(&pair.fake), 0));
	cr_assert(eq(u32, pair.fake.port[0].allocation, 0));
	pair.fake.clients_max = 1;
	pair.fake.peers_max = 0;
	cr_assert(eq(int, pair_run(0, allocation(0, client, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_assert(eq(int, pair_run(0, permission(0, peer)), TP_STATUS_NO_SPACE));
	pair.fake.peers_max = 9;
	cr_assert(eq(int, pair_run(0, channel(0, peer, CHANNEL)), TP_STATUS_NO_SPACE));
	cr_assert(eq(u32, fake_entries(&pair.fake), 1));
	pair.fake.destinations_max = 1;
	cr_assert(eq(int, pair_run(0, permission(0, peer)), TP_STATUS_NO_SPACE));
	cr_assert(eq(u32, fake_entries(&pair.fake), 1));
	cr_assert(eq(u32, fake_destinations(&pair.fake), 1));
}
