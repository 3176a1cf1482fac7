// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Whatever happens to both, in 20,000 random steps: what the program relays the tables would, and what the tables would
// relay the program never drops.

#include "pair.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

TestSuite(mirror_history, .init = pair_start, .fini = pair_stop);

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
		pair_run(0, random_command());
		if (i % 4 == 0)
			compare();
	}
	pair.fake.fail = 0;
	for (uint32_t slot = 0; slot < 4; slot++)
		pair_run(0, (struct tp_command){.kind = TP_DROP_ALLOCATION, .allocation = slot});
	cr_assert(eq(u32, fake_entries(&pair.fake) + fake_destinations(&pair.fake), 0));
	mirror_usage(pair.mirror, &held);
	cr_assert(eq(u32, held.allocations + held.peers, 0));
}

Test(mirror_history,
	whatever_happens_the_program_relays_what_the_tables_would_and_drops_nothing_else)
{
	history(0);
}

Test(mirror_history, also_where_maps_refuse_now_and_then)
{
	history(5);
}
