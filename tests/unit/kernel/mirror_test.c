// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the maps hold is what the tables say: whatever the program relays, the tables would, and what the tables
// would relay, the program never drops.

#include "fake.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

struct pair {
	struct relay_config config;
	struct fake fake;
	struct mirror *mirror;
	struct relay *relay[2]; // of two workers
	uint32_t dropping; // the worker whose command runs
};

static struct pair pair;

static void dropped(void *, uint32_t allocation, uint8_t, uint16_t)
{
	mirror_dropped(pair.mirror, pair.dropping, allocation);
}

static void set_up(void)
{
	pair.config = config();
	fake_init(&pair.fake, &pair.config.capabilities);
	pair.mirror = fake_mirror(&pair.fake, &pair.config.capabilities);
	for (int i = 0; i < 2; i++) {
		pair.relay[i] = create(&pair.config);
		relay_on_dropped(pair.relay[i], dropped, NULL);
	}
}

static void tear_down(void)
{
	mirror_destroy(pair.mirror);
	for (int i = 0; i < 2; i++)
		relay_destroy(pair.relay[i]);
}

TestSuite(mirror, .init = set_up, .fini = tear_down);

static bool mirrored(uint32_t worker, const struct tp_command *c)
{
	uint32_t from = 0;

	if (c->kind != TP_SWEEP)
		return mirror_apply(pair.mirror, worker, c) == 0;
	do
		from = mirror_sweep(pair.mirror, worker, c->generation, from);
	while (from);
	return true;
}

// As a worker does it.
static enum tp_status run(uint32_t worker, struct tp_command c)
{
	enum tp_status status;

	pair.dropping = worker;
	status = relay_apply(pair.relay[worker], &c, T0);
	if (status != TP_STATUS_OK || mirrored(worker, &c))
		return status;
	if (c.kind == TP_MOVE_ALLOCATION) {
		relay_stay(pair.relay[worker], c.allocation);
		return TP_STATUS_NO_SPACE;
	}
	c.kind = c.kind == TP_PUT_ALLOCATION   ? TP_DROP_ALLOCATION
		 : c.kind == TP_PUT_PERMISSION ? TP_DROP_PERMISSION
					       : TP_DROP_CHANNEL;
	relay_apply(pair.relay[worker], &c, T0);
	return TP_STATUS_NO_SPACE;
}

static struct tp_command until(struct tp_command c, uint64_t expires_ms)
{
	c.expires_ms = expires_ms;
	return c;
}

static struct tp_command as(uint16_t kind, struct tp_command c)
{
	c.kind = kind;
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

	cr_assert(eq(int, run(0, allocation(3, client, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_assert(eq(int, run(0, permission(3, peer)), TP_STATUS_OK));
	cr_assert(eq(int, run(0, channel(3, peer, CHANNEL)), TP_STATUS_OK));

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
	cr_assert(eq(int, run(0, as(TP_DROP_PERMISSION, permission(3, peer))), TP_STATUS_OK));
	cr_assert(eq(int, peer_verdict(peer, T0), FAKE_PASS));
}

Test(mirror, an_entry_lasts_as_long_as_the_shortest_of_what_it_depends_on)
{
	struct tp_endpoint client = ep("192.0.2.9", 4000), peer = ep("203.0.113.9", 5000);

	run(0, until(allocation(0, client, PLAIN, PORT_MIN), T0 + 3000));
	run(0, until(permission(0, peer), T0 + 2000));
	run(0, until(channel(0, peer, CHANNEL), T0 + 9000));
	cr_assert(eq(int, peer_verdict(peer, T0 + 1800), FAKE_RELAY));
	cr_assert(eq(int, peer_verdict(peer, T0 + 2001), FAKE_PASS));
	cr_assert(eq(int, client_verdict(client, CHANNEL, T0 + 2800), FAKE_RELAY));
	cr_assert(eq(int, client_verdict(client, CHANNEL, T0 + 3001), FAKE_PASS));
	// A refresh of the permission reaches its channels, one of the allocation everything.
	run(0, until(permission(0, peer), T0 + 8000));
	cr_assert(eq(int, peer_verdict(peer, T0 + 2800), FAKE_RELAY));
	cr_assert(eq(int, peer_verdict(peer, T0 + 3001), FAKE_PASS));
	run(0, until(allocation(0, client, PLAIN, PORT_MIN), T0 + 20000));
	cr_assert(eq(int, peer_verdict(peer, T0 + 7800), FAKE_RELAY));
	cr_assert(eq(int, peer_verdict(peer, T0 + 8001), FAKE_PASS));
	cr_assert(eq(int, client_verdict(client, CHANNEL, T0 + 8800), FAKE_RELAY));
	cr_assert(eq(int, client_verdict(client, CHANNEL, T0 + 9001), FAKE_PASS));
	// And so does one that shortens it.
	run(0, until(allocation(0, client, PLAIN, PORT_MIN), T0 + 1000));
	cr_assert(eq(int, peer_verdict(peer, T0 + 1001), FAKE_PASS));
	cr_assert(eq(int, client_verdict(client, CHANNEL, T0 + 1001), FAKE_PASS));
}

Test(mirror, our_own_addresses_in_either_form_pass_up_and_take_no_hop)
{
	struct tp_endpoint client = ep("192.0.2.9", 4000);
	struct tp_endpoint local = ep("10.0.0.5", PORT_MIN), public = ep("203.0.113.5", PORT_MIN);
	const struct xdp_client *entry;

	run(0, allocation(0, client, PLAIN, PORT_MIN));
	for (uint16_t n = 0; n < 2; n++) {
		struct tp_endpoint own = n ? public : local;

		cr_assert(eq(int, run(0, permission(0, own)), TP_STATUS_OK));
		cr_assert(eq(int, run(0, channel(0, own, CHANNEL + n)), TP_STATUS_OK));
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

	run(0, allocation(0, ep("192.0.2.9", 4000), PLAIN, PORT_MIN));
	run(0, permission(0, own));
	run(0, permission(0, peer));
	run(0, channel(0, own, CHANNEL));
	cr_assert(eq(u16, port->peer.channel, 0));
	run(0, channel(0, peer, CHANNEL + 1));
	cr_assert(eq(u16, port->peer.channel, CHANNEL + 1));
	run(0, as(TP_DROP_CHANNEL, channel(0, peer, CHANNEL + 1)));
	cr_assert(eq(u16, port->peer.channel, 0));
}

Test(mirror, nothing_is_left_of_a_dropped_allocation)
{
	struct tp_endpoint client = ep("192.0.2.9", 4000), peer = ep("203.0.113.9", 5000);
	static const struct xdp_port none;
	struct xdp_port port;

	for (int kind = 0; kind < 3; kind++) {
		struct tp_command put = allocation(0, client, PLAIN, PORT_MIN);

		run(0, put);
		run(0, permission(0, peer));
		for (uint16_t n = 0; n < 4; n++)
			run(0, channel(0, ep("203.0.113.9", 5000 + n), CHANNEL + n));
		if (kind == 0)
			run(0, as(TP_DROP_ALLOCATION, put));
		put.kind = TP_SWEEP;
		put.generation = 7;
		if (kind == 1)
			run(0, put);
		// Another client in its place.
		put = allocation(0, ep("192.0.2.10", 4000), PLAIN, PORT_MIN);
		if (kind == 2)
			run(0, put);
		cr_assert(eq(int, client_verdict(client, CHANNEL, T0), FAKE_DROP));
		cr_assert(eq(int, client_verdict(client, TP_IPV4, T0), FAKE_DROP));
		cr_assert(eq(int, peer_verdict(peer, T0), FAKE_DROP));
		if (kind == 2)
			run(0, as(TP_DROP_ALLOCATION, put));
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

	run(0, allocation(0, first, PLAIN, PORT_MIN));
	run(0, permission(0, peer));
	put.generation = allow.generation = 2;
	cr_assert(eq(int, run(1, put), TP_STATUS_OK));
	cr_assert(eq(int, run(1, allow), TP_STATUS_OK));
	cr_assert(eq(int, client_verdict(first, TP_IPV4, T0), FAKE_DROP));
	cr_assert(eq(int, run(0, sweep), TP_STATUS_OK));
	cr_assert(eq(int, run(1, sweep), TP_STATUS_OK));
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

	run(0, allocation(0, home, PLAIN, PORT_MIN));
	run(0, permission(0, peer));
	run(0, channel(0, peer, CHANNEL));
	cr_assert(eq(int, client_verdict(away, CHANNEL, T0), FAKE_DROP));
	// A second worker has it too, as it is.
	run(1, allocation(0, home, PLAIN, PORT_MIN));
	run(1, permission(0, peer));
	run(1, channel(0, peer, CHANNEL));
	for (uint32_t w = 0; w < 2; w++)
		cr_assert(eq(int, run(w, move(0, away)), TP_STATUS_OK));
	cr_assert(eq(int, client_verdict(home, CHANNEL, T0), FAKE_RELAY));
	cr_assert(eq(int, client_verdict(away, CHANNEL, T0), FAKE_PASS));
	cr_assert(eq(int, client_verdict(away, TP_IPV4, T0), FAKE_PASS));
	cr_assert(tp_ip_equal(&port->client, &home.ip));
	for (uint32_t w = 0; w < 2; w++) {
		cr_assert(eq(int, run(w, allocation(0, away, PLAIN, PORT_MIN)), TP_STATUS_OK));
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
	run(0, as(TP_DROP_ALLOCATION, allocation(0, away, PLAIN, PORT_MIN)));
	cr_assert(eq(int, client_verdict(away, CHANNEL, T0), FAKE_RELAY));
	run(1, as(TP_DROP_ALLOCATION, allocation(0, away, PLAIN, PORT_MIN)));
	cr_assert(eq(u32, fake_entries(&pair.fake) + fake_destinations(&pair.fake), 0));
}

Test(mirror, a_move_that_is_over_leaves_nothing)
{
	struct tp_endpoint home = ep("192.0.2.9", 4000), away = ep("192.0.2.10", 4001);
	struct tp_command put = allocation(0, home, PLAIN, PORT_MIN);

	for (int how = 0; how < 3; how++) {
		put.generation = 1;
		run(0, put);
		run(0, move(0, away));
		cr_assert(eq(int, client_verdict(away, TP_IPV4, T0), FAKE_PASS));
		if (how == 0) {
			run(0, move(0, home));
		} else if (how == 1) {
			put.generation = 2;
			run(0, put);
		} else {
			run(0, as(TP_DROP_ALLOCATION, put));
		}
		cr_assert(eq(int, client_verdict(away, TP_IPV4, T0), FAKE_DROP));
		cr_assert(eq(u32, fake_entries(&pair.fake), how == 2 ? 0 : 1));
		run(0, as(TP_DROP_ALLOCATION, put));
	}
	cr_assert(eq(u32, fake_destinations(&pair.fake), 0));
}

Test(mirror, a_map_without_room_fails_the_command_and_leaves_nothing_of_it)
{
	struct tp_endpoint client = ep("192.0.2.9", 4000), peer = ep("203.0.113.9", 5000);

	pair.fake.clients_max = 0;
	cr_assert(eq(int, run(0, allocation(0, client, PLAIN, PORT_MIN)), TP_STATUS_NO_SPACE));
	cr_assert(eq(u32, fake_entries(&pair.fake) + fake_destinations(&pair.fake), 0));
	cr_assert(eq(u32, pair.fake.port[0].allocation, 0));
	pair.fake.clients_max = 1;
	pair.fake.peers_max = 0;
	cr_assert(eq(int, run(0, allocation(0, client, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_assert(eq(int, run(0, permission(0, peer)), TP_STATUS_NO_SPACE));
	pair.fake.peers_max = 9;
	cr_assert(eq(int, run(0, channel(0, peer, CHANNEL)), TP_STATUS_NO_SPACE));
	cr_assert(eq(u32, fake_entries(&pair.fake), 1));
	pair.fake.destinations_max = 1;
	cr_assert(eq(int, run(0, permission(0, peer)), TP_STATUS_NO_SPACE));
	cr_assert(eq(u32, fake_entries(&pair.fake), 1));
	cr_assert(eq(u32, fake_destinations(&pair.fake), 1));
}

// Histories.

static uint64_t state = 42;

static uint32_t some(uint32_t n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % n;
}

static const struct {
	const char *ip;
	uint16_t port;
} clients[] = {{"192.0.2.9", 4000}, {"192.0.2.9", 4001}, {"2001:db8::9", 4000}},
  peers4[] = {{"203.0.113.9", 5000}, {"203.0.113.9", 5001}, {"203.0.113.8", 5000},
	  {"10.0.0.5", PORT_MIN}, {"203.0.113.5", PORT_MIN}},
  peers6[] = {{"2001:db8:5::9", 5000}, {"2001:db8:5::9", 5001}, {"2001:db8:5::8", 5000},
	  {"2001:db8:1::1", PORT_MIN}, {"2001:db8:1::1", PORT_MIN + 1}};

static struct tp_command random_command(void)
{
	uint32_t slot = some(4), c = some(COUNT(clients)), p = some(COUNT(peers4));
	struct tp_endpoint client = ep(clients[c].ip, clients[c].port);
	struct tp_endpoint peer = some(2) ? ep(peers4[p].ip, peers4[p].port)
					  : ep(peers6[p].ip, peers6[p].port);
	struct tp_command command;

	switch (some(14)) {
	case 0:
	case 1:
	case 2:
		command = allocation(
			slot, client, (uint8_t)some(3), (uint16_t)(PORT_MIN + some(2)));
		break;
	case 3:
		command = as(TP_DROP_ALLOCATION, allocation(slot, client, 0, 0));
		break;
	case 4:
	case 5:
	case 6:
		command = permission(slot, peer);
		break;
	case 7:
		command = as(TP_DROP_PERMISSION, permission(slot, peer));
		break;
	case 8:
	case 9:
		command = channel(slot, peer, (uint16_t)(CHANNEL + some(3)));
		break;
	case 10:
		command = as(TP_DROP_CHANNEL, channel(slot, peer, (uint16_t)(CHANNEL + some(3))));
		break;
	case 11:
	case 12:
		command = as(TP_MOVE_ALLOCATION, allocation(slot, client, 0, 0));
		break;
	default:
		command = (struct tp_command){.kind = some(4) ? TP_PUT_PERMISSION : TP_SWEEP};
	}
	command.generation = 1 + some(2);
	if (command.expires_ms)
		command.expires_ms = T0 + some(4) * 1000;
	return command;
}

static void compare_client(struct tp_endpoint client, uint16_t number, uint64_t now)
{
	const struct xdp_client *entry;
	enum fake_verdict verdict = fake_from_client(&pair.fake, &client, number, now, &entry);
	struct relay_decision d = on_channel(pair.relay[0], client, number, now);

	if (verdict == FAKE_DROP) {
		cr_assert(eq(int, d.verdict, RELAY_DROP));
	} else if (verdict == FAKE_RELAY) {
		cr_assert(eq(int, d.verdict, RELAY_PEER));
		cr_assert(tp_ip_equal(&d.to.ip, &entry->peer) && d.to.port == entry->peer_port);
		cr_assert(eq(u16, d.port, entry->relay_port));
		cr_assert(eq(int, d.relay, entry->relay));
	}
}

static void compare_peer(uint8_t relay, uint16_t port, struct tp_endpoint peer, uint64_t now)
{
	struct relay_decision d;
	enum fake_verdict verdict;
	uint16_t number = 0;

	if (tp_ip_family(&peer.ip) != tp_ip_family(&pair.config.capabilities.relay[relay].local))
		return;
	verdict = fake_from_peer(&pair.fake, relay, port, &peer, now, &number);
	d = from_peer(pair.relay[0], relay, port, peer, 3, now);
	if (verdict == FAKE_DROP) {
		cr_assert(eq(int, d.verdict, RELAY_DROP));
	} else if (verdict == FAKE_RELAY) {
		cr_assert(eq(int, d.verdict, RELAY_CLIENT));
		cr_assert(eq(u32, d.front[0] << 8 | d.front[1], number ? number : 0x0017));
	}
}

static void compare(void)
{
	for (uint64_t now = T0; now <= T0 + 3000; now += 500) {
		for (uint32_t c = 0; c < COUNT(clients); c++)
			for (uint16_t n = 0; n < 3; n++)
				compare_client(ep(clients[c].ip, clients[c].port),
					(uint16_t)(CHANNEL + n), now);
		for (uint8_t relay = 0; relay < 3; relay++)
			for (uint16_t n = 0; n < 2; n++)
				for (uint32_t p = 0; p < COUNT(peers4); p++) {
					compare_peer(relay, (uint16_t)(PORT_MIN + n),
						ep(peers4[p].ip, peers4[p].port), now);
					compare_peer(relay, (uint16_t)(PORT_MIN + n),
						ep(peers6[p].ip, peers6[p].port), now);
				}
	}
}

static void history(uint32_t fail_every)
{
	struct mirror_usage held;

	for (int i = 0; i < 20000; i++) {
		pair.fake.calls = 0;
		pair.fake.fail = fail_every && !some(fail_every) ? 1 + some(4) : 0;
		run(0, random_command());
		if (i % 4 == 0)
			compare();
	}
	pair.fake.fail = 0;
	for (uint32_t slot = 0; slot < 4; slot++)
		run(0, (struct tp_command){.kind = TP_DROP_ALLOCATION, .allocation = slot});
	cr_assert(eq(u32, fake_entries(&pair.fake) + fake_destinations(&pair.fake), 0));
	mirror_usage(pair.mirror, &held);
	cr_assert(eq(u32, held.allocations + held.peers, 0));
}

Test(mirror, whatever_happens_the_program_relays_what_the_tables_would_and_drops_nothing_else)
{
	history(0);
}

Test(mirror, also_where_maps_refuse_now_and_then)
{
	history(5);
}
