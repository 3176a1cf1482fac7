// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What is ours: our addresses and ports, and nobody else's, however near they come.

#include <criterion/criterion.h>
#include <linux/bpf.h>

#include "scene.h"

TestSuite(xdp_address, .timeout = 120);

#define SERVER6 "2001:db8:2::1"

// The next address that is looked for where `like` is.
static struct tp_endpoint beside(struct tp_endpoint like)
{
	const uint32_t slot = xdp_slot(&like.ip);

	do
		like.ip.w[3] = TP_BE32(TP_BE32(like.ip.w[3]) + 1);
	while (xdp_slot(&like.ip) != slot);
	return like;
}

static void nobodys(const struct tp_endpoint *from, const struct tp_endpoint *to)
{
	uint8_t b[LAB_FRAME_MAX];

	passes(b, frame(b, from, to, "\x40\x00\x00\x00", 4), TP_COUNTER_COUNT);
}

static void open_both(void)
{
	open_scene(UINT32_MAX);
	lab.config->server[lab.config->servers++] = ep(SERVER6, SERVER_PORT);
	load_scene();
	put(0);
}

Test(xdp_address, what_is_to_another_address_is_nobodys)
{
	struct tp_endpoint c = client(0), c6 = ep("2001:db8:1::9", 4000), to;

	open_both();
	to = beside(ep("198.51.100.1", SERVER_PORT));
	nobodys(&c, &to);
	to = beside(ep(SERVER6, SERVER_PORT));
	nobodys(&c6, &to);
	// Both words of its first half are others, so that it is looked for in the same place.
	to = ep(SERVER6, SERVER_PORT);
	to.ip.w[0] ^= TP_BE32(0x00010000);
	to.ip.w[1] ^= TP_BE32(0x00010000);
	cr_assert_eq(xdp_slot(&to.ip), xdp_slot(&lab.skeleton->rodata->config.server[1].ip));
	nobodys(&c6, &to);
	to = ep("198.51.100.1", SERVER_PORT + 1);
	nobodys(&c, &to);
}

Test(xdp_address, a_request_from_an_address_beside_ours_passes_up)
{
	static const uint8_t request[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
	struct tp_endpoint from, to, to6;
	uint8_t b[LAB_FRAME_MAX];

	open_both();
	to = server();
	to6 = lab.skeleton->rodata->config.server[1];
	from = beside(to);
	passes(b, frame(b, &from, &to, request, sizeof(request)), TP_C_passed_request);
	from = beside(to6);
	passes(b, frame(b, &from, &to6, request, sizeof(request)), TP_C_passed_request);
	from = to6;
	from.ip.w[0] ^= TP_BE32(0x00010000);
	from.ip.w[1] ^= TP_BE32(0x00010000);
	passes(b, frame(b, &from, &to6, request, sizeof(request)), TP_C_passed_request);
}

// Each is where the entry of a live allocation would be if it were taken for a relay port.
Test(xdp_address, what_is_to_a_port_beside_the_range_or_not_of_a_relay_address_is_nobodys)
{
	struct tp_endpoint peer = ep("203.0.113.9", 5000), to;
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];
	const uint8_t last = 1;

	open_scene(UINT32_MAX);
	lab.config->server[lab.config->servers++] = ep("198.51.100.2", SERVER_PORT);
	lab.config->relay[1] = lab.config->relay_public[1] = ep("198.51.100.3", 0).ip;
	lab.config->relays = 2;
	load_scene();
	for (uint32_t i = 0; i < 4; i++) {
		struct tp_endpoint c = client(i);
		uint8_t relay = (uint8_t)(i / 2);
		uint16_t port = (uint16_t)(RELAY_PORT + (i % 2) * (RELAY_PORTS - 1));

		lab_put_allocation(&lab, i, &c, 0, relay, port);
		lab_put_permission(&lab, i, &peer.ip);
		lab_put_channel(&lab, i, &c, 0, relay, port, &peer, CHANNEL);
		to = (struct tp_endpoint){
			.ip = lab.skeleton->rodata->config.relay[relay], .port = port};
		cr_assert_eq(verdict(b, frame(b, &peer, &to, "data", 4), out), XDP_TX, "%u", i);
	}
	to = ep("198.51.100.1", RELAY_PORT + RELAY_PORTS);
	nobodys(&peer, &to);
	to = ep("198.51.100.3", RELAY_PORT - 1);
	nobodys(&peer, &to);
	to = (struct tp_endpoint){
		.ip = lab.skeleton->rodata->config.server[last].ip, .port = RELAY_PORT};
	nobodys(&peer, &to);
}

Test(xdp_address, what_is_damaged_and_to_others_is_nobodys)
{
	struct tp_endpoint c = client(0), c6 = ep("2001:db8:1::9", 4000), to;
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];
	uint32_t length;

	open_both();
	for (uint32_t ours = 0; ours < 2; ours++) {
		to = ep(ours ? "198.51.100.1" : "198.51.100.9", SERVER_PORT);
		length = frame(b, &c, &to, "\x40\x00\x00\x00", 4);
		b[TP_ETHERNET_HEADER + TP_IP4_CHECKSUM] ^= 1;
		if (ours)
			cr_assert_eq(verdict(b, length, out), XDP_DROP);
		else
			passes(b, length, TP_COUNTER_COUNT);
		to = ep(ours ? SERVER6 : "2001:db8:2::9", SERVER_PORT);
		length = frame(b, &c6, &to, "\x40\x00\x00\x00", 4);
		b[TP_ETHERNET_HEADER + TP_IP6_HEADER + TP_UDP_LENGTH] = 1;
		if (ours)
			cr_assert_eq(verdict(b, length, out), XDP_DROP);
		else
			passes(b, length, TP_COUNTER_COUNT);
	}
}

// Of a sender that leaves the checksum to its device the pseudo header's is there alone.
static uint32_t partial(uint8_t *b)
{
	struct tp_endpoint c = client(0), to = server();
	uint32_t length = channel_data(b, 0);
	uint8_t *udp = b + TP_ETHERNET_HEADER + TP_IP4_HEADER;
	uint64_t sum = (uint64_t)c.ip.w[3] + to.ip.w[3] + tp_sum_field(TP_PROTO_UDP) +
		       tp_sum_field(tp_get16(udp + TP_UDP_LENGTH));

	tp_store16(udp + TP_UDP_CHECKSUM, (uint16_t)tp_sum_fold(sum));
	return length;
}

Test(xdp_address, a_partial_checksum_passes_up_where_senders_may_be_virtual_alone)
{
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];

	open_scene(UINT32_MAX);
	lab.config->partial = 1;
	load_scene();
	put(0);
	passes(b, partial(b), TP_C_passed_partial);
	// None, and a whole one.
	cr_assert_eq(verdict(b, channel_data(b, 0), out), XDP_TX);
	b[TP_ETHERNET_HEADER + TP_IP4_HEADER + TP_UDP_CHECKSUM] = 0x12;
	cr_assert_eq(verdict(b, FRONT + 8, out), XDP_TX);
	lab_close(&lab);
	open_lab(UINT32_MAX);
	cr_assert_eq(verdict(b, partial(b), out), XDP_TX);
}
