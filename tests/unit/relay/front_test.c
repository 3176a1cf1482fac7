// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What goes in front of a peer's data, byte by byte, in every mix of families.

#include "fixture.h"

struct mix {
	const char *client;
	const char *peer;
	uint8_t relay;
	uint8_t front_length;
};

static const struct mix mixes[] = {
	{"192.0.2.77", "198.18.1.2", PLAIN, 36},
	{"2001:db8:c::77", "198.18.1.2", PLAIN, 36},
	{"192.0.2.77", "2001:db8:e::2", V6, 48},
	{"2001:db8:c::77", "2001:db8:e::2", V6, 48},
};

TestSuite(front);

Test(front, channel_data_is_number_and_length_in_every_mix_of_families)
{
	for (size_t i = 0; i < 4; i++) {
		struct relay *r = small_relay();
		struct tp_endpoint client = ep(mixes[i].client, 5000),
				   peer = ep(mixes[i].peer, 6000);
		static const uint8_t expected[] = {0x40, 0x01, 0x01, 0x2c};
		struct relay_decision d;

		cr_assert(
			eq(int, apply(r, allocation(3, client, mixes[i].relay, PORT_MIN + 5)), 0));
		cr_assert(eq(int, apply(r, permission(3, peer)), 0));
		cr_assert(eq(int, apply(r, channel(3, peer, CHANNEL)), 0));
		d = from_peer(r, mixes[i].relay, PORT_MIN + 5, peer, 300, T0);
		cr_assert(eq(int, d.verdict, RELAY_CLIENT));
		cr_assert(eq(int, d.front_length, 4));
		cr_assert(eq(int, memcmp(d.front, expected, 4), 0));
		cr_assert(eq(int, d.padding, 0));
		cr_assert(eq(u32, d.offset, 0));
		cr_assert(eq(u32, d.length, 300));
		cr_assert(eq(u32, d.allocation, 3));
		cr_assert(eq(int, d.server, tp_ip_is4(&client.ip) ? 0 : 1));
		cr_assert(eq(int, d.transport, TP_UDP));
		cr_endpoint(d.to, client);
		relay_destroy(r);
	}
}

Test(front, data_indication_is_whole_in_every_mix_of_families)
{
	for (size_t i = 0; i < 4; i++) {
		struct relay *r = small_relay();
		struct tp_endpoint client = ep(mixes[i].client, 5000),
				   peer = ep(mixes[i].peer, 6000);
		bool ip4 = tp_ip_is4(&peer.ip);
		uint32_t address = ip4 ? 8 : 20;
		uint8_t expected[48] = {0x00, 0x17, 0, 0, 0x21, 0x12, 0xa4, 0x42};
		struct relay_decision d;

		cr_assert(eq(int, apply(r, allocation(0, client, mixes[i].relay, PORT_MIN)), 0));
		cr_assert(eq(int, apply(r, permission(0, peer)), 0));
		d = from_peer(r, mixes[i].relay, PORT_MIN, peer, 301, T0);
		cr_assert(eq(int, d.verdict, RELAY_CLIENT));
		// 301 bytes and 3 of padding: 304 + 4 + 4 + address.
		expected[2] = 1;
		expected[3] = (uint8_t)(304 + 8 + address - 256);
		memcpy(expected + 8, d.front + 8, 12); // random
		memcpy(expected + 20, (uint8_t[]){0, 0x12, 0, (uint8_t)address, 0, ip4 ? 1 : 2}, 6);
		expected[26] = (6000 >> 8) ^ 0x21;
		expected[27] = (6000 & 0xff) ^ 0x12;
		for (uint32_t k = 0; k < address - 4; k++)
			expected[28 + k] = peer.ip.b[ip4 ? 12 + k : k] ^ expected[4 + k];
		memcpy(expected + 24 + address, (uint8_t[]){0, 0x13, 1, 0x2d}, 4);
		cr_assert(eq(int, d.front_length, mixes[i].front_length));
		cr_assert(eq(int, memcmp(d.front, expected, d.front_length), 0));
		cr_assert(eq(int, d.padding, 3));
		cr_assert(eq(u32, d.length, 301));
		cr_endpoint(d.to, client);
		relay_destroy(r);
	}
}

Test(front, transaction_ids_differ_from_packet_to_packet)
{
	struct relay *r = small_relay();
	struct tp_endpoint peer = ep("198.18.1.2", 6000);
	uint8_t seen[64][12];

	apply(r, allocation(0, ep("192.0.2.77", 5000), PLAIN, PORT_MIN));
	apply(r, permission(0, peer));
	for (int i = 0; i < 64; i++) {
		struct relay_decision d = from_peer(r, PLAIN, PORT_MIN, peer, 4, T0);

		cr_assert(eq(int, d.padding, 0));
		memcpy(seen[i], d.front + 8, 12);
		for (int k = 0; k < i; k++)
			cr_assert(ne(int, memcmp(seen[k], seen[i], 12), 0));
	}
	relay_destroy(r);
}

static void check_limit(
	const char *client, const char *peer, uint8_t relay, bool bound, uint32_t most)
{
	struct relay *r = small_relay();
	struct tp_endpoint p = ep(peer, 6000);

	apply(r, allocation(0, ep(client, 5000), relay, PORT_MIN));
	apply(r, permission(0, p));
	if (bound)
		apply(r, channel(0, p, CHANNEL));
	cr_assert(eq(int, from_peer(r, relay, PORT_MIN, p, most, T0).verdict, RELAY_CLIENT));
	cr_dropped(from_peer(r, relay, PORT_MIN, p, most + 1, T0), peer_too_large);
	cr_dropped(from_peer(r, relay, PORT_MIN, p, 65535, T0), peer_too_large);
	cr_dropped(from_peer(r, relay, PORT_MIN, p, UINT32_MAX, T0), peer_too_large);
	relay_destroy(r);
}

Test(front, nothing_larger_than_a_udp_datagram_is_made)
{
	check_limit("192.0.2.77", "198.18.1.2", PLAIN, true, 65507 - 4);
	check_limit("2001:db8:c::77", "198.18.1.2", PLAIN, true, 65527 - 4);
	check_limit("192.0.2.77", "198.18.1.2", PLAIN, false, 65468); // + 36 = 65504, no padding
	check_limit("192.0.2.77", "2001:db8:e::2", V6, false, 65456); // + 48 = 65504
	check_limit("2001:db8:c::77", "2001:db8:e::2", V6, false, 65476); // + 48 = 65524
}

Test(front, an_empty_datagram_is_delivered_both_ways)
{
	struct relay *r = small_relay();
	struct tp_endpoint peer = ep("198.18.1.2", 6000);
	struct relay_decision d;

	apply(r, allocation(0, ep("192.0.2.77", 5000), PLAIN, PORT_MIN));
	apply(r, permission(0, peer));
	d = from_peer(r, PLAIN, PORT_MIN, peer, 0, T0);
	cr_assert(eq(int, d.verdict, RELAY_CLIENT));
	cr_assert(eq(int, d.front[3], 16));
	cr_assert(eq(int, d.padding, 0));
	apply(r, channel(0, peer, CHANNEL));
	d = from_peer(r, PLAIN, PORT_MIN, peer, 0, T0);
	cr_assert(eq(int, memcmp(d.front, "\x40\x01\x00\x00", 4), 0));
	relay_destroy(r);
}
