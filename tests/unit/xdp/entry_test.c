// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which entry a packet is for: the one with the whole of its key, wherever it is; and clients that move.

#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <string.h>

#include "scene.h"

TestSuite(xdp_entry, .timeout = 120);

#define SERVER6 "2001:db8:2::1"

static void put_for(uint32_t slot, const struct tp_endpoint *c, uint8_t server)
{
	struct tp_endpoint peer = ep("203.0.113.9", 5000);
	uint16_t port = (uint16_t)(RELAY_PORT + slot);

	// The channel first: it has the home, if that is free.
	lab_put_channel(&lab, slot, c, server, 0, port, &peer, CHANNEL);
	lab_put_permission(&lab, slot, &peer.ip);
	lab_put_allocation(&lab, slot, c, server, 0, port);
}

static void relays_by(const struct tp_endpoint *from, const struct tp_endpoint *to, uint16_t port)
{
	static const uint8_t message[] = {CHANNEL >> 8, CHANNEL & 0xff, 0, 0};
	const uint32_t source = TP_ETHERNET_HEADER + TP_IP4_HEADER;
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];

	cr_assert_eq(verdict(b, frame(b, from, to, message, sizeof(message)), out), XDP_TX);
	cr_assert_eq(tp_get16(out + source), port);
}

static void unbound(const struct tp_endpoint *from, const struct tp_endpoint *to)
{
	static const uint8_t message[] = {CHANNEL >> 8, CHANNEL & 0xff, 0, 0};
	uint8_t b[LAB_FRAME_MAX];

	drops(b, frame(b, from, to, message, sizeof(message)), sizeof(message),
		TP_C_channel_unbound);
}

// All keys have one home: first in it, then behind.
Test(xdp_entry, clients_that_differ_in_any_part_of_their_key_are_not_each_other)
{
	struct tp_endpoint to, to6,
		c[] = {ep("192.0.2.9", 4000), ep("192.0.2.10", 4000), ep("192.0.2.9", 4001),
			ep("2001:db8:1::9", 4000), ep("2001:db8:1::a", 4000),
			ep("2001:db8:2::9", 4000)};

	for (uint32_t there = 0; there < 6; there++) {
		lab.homes = 1;
		open_scene(UINT32_MAX);
		lab.config->server[lab.config->servers++] = ep(SERVER6, SERVER_PORT);
		load_scene();
		to = server();
		to6 = lab.skeleton->rodata->config.server[1];
		for (uint32_t round = 0; round < 2; round++) {
			// In the second round others are in the home.
			if (round)
				put(10);
			put_for(0, &c[there], there >= 3);
			for (uint32_t i = 0; i < 6; i++) {
				if (i == there)
					relays_by(&c[i], i >= 3 ? &to6 : &to, RELAY_PORT);
				else
					unbound(&c[i], i >= 3 ? &to6 : &to);
			}
			memset(lab.clients.lines, 0, sizeof(struct xdp_line) * xdp_lines(1));
			memset(lab.peers.lines, 0, sizeof(struct xdp_line) * xdp_lines(1));
		}
		lab_close(&lab);
	}
}

Test(xdp_entry, clients_and_peers_alike_but_for_their_address_are_each_found_behind_one_home)
{
	static const char *const ips[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
	struct tp_endpoint c, to, peer, relay = ep("198.51.100.1", RELAY_PORT + 10);
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];

	lab.homes = 1;
	open_scene(UINT32_MAX);
	load_scene();
	put(10);
	to = server();
	for (uint32_t i = 0; i < 3; i++) {
		c = ep(ips[i], 4000);
		put_for(i, &c, 0);
		peer = ep(ips[i], 5000);
		lab_put_permission(&lab, 10, &peer.ip);
	}
	for (uint32_t i = 0; i < 3; i++) {
		c = ep(ips[i], 4000);
		relays_by(&c, &to, (uint16_t)(RELAY_PORT + i));
		peer = ep(ips[i], 5000);
		cr_assert_eq(verdict(b, frame(b, &peer, &relay, "data", 4), out), XDP_TX, "%u", i);
	}
}

// The relay port holds the channel of one peer; others have a permission, and so a Data indication.
Test(xdp_entry, peers_that_differ_in_any_part_from_the_one_of_the_relay_port_are_not_that_one)
{
	const struct tp_endpoint relay = ep(SERVER6, RELAY_PORT),
				 of[] = {ep("2001:db8:3::9", 5000), ep("2001:db8:3::9", 5001),
					 ep("2001:db8:3::a", 5000), ep("2001:db8:4::9", 5000)};
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];
	struct tp_endpoint c = client(0);

	open_scene(UINT32_MAX);
	lab.config->relay[0] = lab.config->relay_public[0] = relay.ip;
	load_scene();
	lab_put_allocation(&lab, 0, &c, 0, 0, RELAY_PORT);
	for (uint32_t i = 0; i < 4; i++)
		lab_put_permission(&lab, 0, &of[i].ip);
	lab_put_channel(&lab, 0, &c, 0, 0, RELAY_PORT, &of[0], CHANNEL);
	for (uint32_t i = 0; i < 4; i++) {
		cr_assert_eq(verdict(b, frame(b, &of[i], &relay, "data", 4), out), XDP_TX);
		cr_assert_eq(tp_get16(out + FRONT), i ? TP_STUN_TYPE_DATA : CHANNEL, "%u", i);
	}
}

Test(xdp_entry, an_entry_in_its_home_is_found_though_there_are_others_behind)
{
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];

	lab.homes = 1;
	open_lab(UINT32_MAX);
	put(1);
	// The first line is the allocation's, and the permission's.
	cr_assert_eq(lab.clients.lines[0].client.channel, TP_IPV4);
	cr_assert_eq(lab.peers.lines[0].peer.port, 0);
	cr_assert_eq(verdict(b, send_indication(b), out), XDP_TX);
	cr_assert_eq(verdict(b, peer_data(b, 6000, 20), out), XDP_TX);
}

Test(xdp_entry, a_line_that_its_home_no_longer_leads_to_is_not_found)
{
	struct tp_endpoint c = client(0), to;

	lab.homes = 1;
	open_lab(UINT32_MAX);
	put(1);
	to = server();
	relays_by(&c, &to, RELAY_PORT);
	// As it is before a put and in the middle of a drop.
	for (uint32_t i = 1; i < XDP_NEAR; i++)
		if (lab.clients.lines[i].client.port == c.port &&
			lab.clients.lines[i].client.channel == CHANNEL)
			lab.clients.lines[0].near &= ~(1ull << i);
	cr_assert_neq(lab.clients.lines[0].near >> 1, 0);
	unbound(&c, &to);
}

// RFC 8016: what comes from where a client moves to is the sockets', by an entry of either family that never held.
Test(xdp_entry, what_comes_from_where_a_client_moves_to_passes_up)
{
	struct tp_endpoint c[] = {client(1), client(2), client(3)};
	uint8_t b[LAB_FRAME_MAX];

	open_scene(UINT32_MAX);
	lab.config->relay[1] = lab.config->relay_public[1] = ep(SERVER6, 0).ip;
	lab.config->relays = 2;
	load_scene();
	lab.until = 0;
	lab_put_allocation(&lab, 1, &c[0], 0, 0, RELAY_PORT + 1);
	lab_put_allocation(&lab, 2, &c[1], 0, 1, RELAY_PORT + 2);
	// One that has an allocation of its own there.
	lab_put_allocation(&lab, 3, &c[2], 0, 1, RELAY_PORT + 3);
	lab.until = UINT32_MAX;
	lab_put_allocation(&lab, 4, &c[2], 0, 0, RELAY_PORT + 4);
	for (uint32_t i = 1; i <= 3; i++)
		passes(b, channel_data(b, i), TP_C_passed_expired);
	drops(b, channel_data(b, 4), 8, TP_C_channel_unbound);
	// An allocation of its own alone is no move; while it is written nobody can tell.
	lab_put_allocation(&lab, 3, &c[2], 0, 1, RELAY_PORT + 3);
	drops(b, channel_data(b, 3), 8, TP_C_channel_unbound);
	for (uint32_t i = 0; i < xdp_lines(lab.clients.homes); i++)
		lab.clients.lines[i].sequence |= 1;
	passes(b, channel_data(b, 3), TP_C_passed_expired);
}

Test(xdp_entry, an_allocation_that_is_over_takes_no_more_though_the_permission_holds)
{
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];

	open_lab(UINT32_MAX);
	cr_assert_eq(verdict(b, send_indication(b), out), XDP_TX);
	for (uint32_t i = 0; i < xdp_lines(lab.clients.homes); i++)
		lab.clients.lines[i].until = 1;
	passes(b, send_indication(b), TP_C_passed_expired);
}
