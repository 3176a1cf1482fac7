// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// ICMP errors (RFC 8656 section 11.5).

#include "fixture.h"

static struct relay *r;
static struct tp_endpoint client, peer, six;

static void set_up(void)
{
	r = small_relay();
	client = ep("192.0.2.77", 5000);
	peer = ep("198.18.1.2", 6000);
	six = ep("2001:db8:e::2", 6000);
	apply(r, allocation(0, client, PLAIN, PORT_MIN));
	apply(r, permission(0, peer));
	// Never ChannelData, whether a channel is bound or not.
	apply(r, channel(0, peer, CHANNEL));
	apply(r, allocation(1, client, V6, PORT_MIN));
	apply(r, permission(1, six));
}

static void tear_down(void)
{
	relay_destroy(r);
}

TestSuite(icmp, .init = set_up, .fini = tear_down);

static uint32_t decide(struct tp_endpoint about, uint8_t type, uint8_t code, uint32_t data,
	uint64_t now, struct relay_decision *d, uint8_t m[RELAY_ICMP_MAX])
{
	struct relay_icmp in = {
		.relay = tp_ip_is4(&about.ip) ? PLAIN : V6,
		.port = PORT_MIN,
		.peer = about,
		.type = type,
		.code = code,
		.data = data,
	};

	memset(d, 0xee, sizeof(*d));
	return relay_decide_icmp(r, &in, d, m, now);
}

static void expect_icmp(struct tp_endpoint about, uint8_t type, uint8_t code, uint32_t data,
	const uint8_t attribute[8])
{
	bool ip4 = tp_ip_is4(&about.ip);
	uint32_t address = ip4 ? 8 : 20, total = 20 + 4 + address + 12;
	uint8_t m[RELAY_ICMP_MAX],
		expected[RELAY_ICMP_MAX] = {0x00, 0x17, 0, 0, 0x21, 0x12, 0xa4, 0x42};
	struct relay_decision d;

	cr_assert(eq(u32, decide(about, type, code, data, T0, &d, m), total));
	expected[3] = (uint8_t)(total - 20);
	memcpy(expected + 8, m + 8, 12);
	memcpy(expected + 20, (uint8_t[]){0, 0x12, 0, (uint8_t)address, 0, ip4 ? 1 : 2, 0x36, 0x62},
		8);
	for (uint32_t k = 0; k < address - 4; k++)
		expected[28 + k] = about.ip.b[ip4 ? 12 + k : k] ^ expected[4 + k];
	memcpy(expected + 24 + address, (uint8_t[]){0x80, 0x04, 0, 8}, 4);
	memcpy(expected + 28 + address, attribute, 8);
	cr_assert(eq(int, memcmp(m, expected, total), 0));
	cr_assert(eq(int, d.verdict, RELAY_CLIENT));
	cr_assert(eq(int, d.front_length, 0));
	cr_assert(eq(u32, d.length, 0));
	cr_assert(eq(int, d.padding, 0));
	cr_assert(eq(int, d.server, 0));
	cr_assert(eq(u32, d.allocation, ip4 ? 0 : 1));
	cr_endpoint(d.to, client);
}

static void expect_drop(struct tp_endpoint about, uint8_t type, uint64_t now, int reason)
{
	uint8_t m[RELAY_ICMP_MAX];
	struct relay_decision d;

	cr_assert(eq(u32, decide(about, type, 0, 0, now, &d, m), 0));
	cr_assert(eq(int, d.verdict, RELAY_DROP));
	cr_assert(eq(int, d.drop, reason));
}

// 16 bits reserved, 7 of type, 9 of code, 32 of error data.
Test(icmp, becomes_a_data_indication_without_data)
{
	expect_icmp(peer, 3, 3, 1234, (uint8_t[]){0, 0, 0x06, 0x03, 0, 0, 0, 0});
	expect_icmp(peer, 3, 4, 1400, (uint8_t[]){0, 0, 0x06, 0x04, 0, 0, 0x05, 0x78});
	expect_icmp(peer, 11, 0, 1400, (uint8_t[]){0, 0, 0x16, 0x00, 0, 0, 0, 0});
	expect_icmp(six, 1, 255, 1400, (uint8_t[]){0, 0, 0x02, 0xff, 0, 0, 0, 0});
	expect_icmp(six, 2, 0, 0x10500, (uint8_t[]){0, 0, 0x04, 0x00, 0, 1, 0x05, 0x00});
	expect_icmp(six, 3, 1, 1400, (uint8_t[]){0, 0, 0x06, 0x01, 0, 0, 0, 0});
}

Test(icmp, other_types_are_ignored)
{
	for (unsigned int type = 0; type < 256; type++) {
		if (type != 3 && type != 11)
			expect_drop(peer, (uint8_t)type, T0, TP_C_icmp_ignored);
		if (type != 1 && type != 2 && type != 3)
			expect_drop(six, (uint8_t)type, T0, TP_C_icmp_ignored);
	}
}

Test(icmp, needs_an_allocation_and_a_permission_for_the_embedded_peer)
{
	uint64_t end = T0 + 10 * TICK;

	expect_drop(ep("198.18.1.3", 6000), 3, T0, TP_C_icmp_no_permission);
	apply_until(r, permission(0, peer), end);
	expect_drop(peer, 3, end, TP_C_icmp_no_permission);
	expect_drop(peer, 3, LATE, TP_C_peer_expired);
	drop_as(r, allocation(0, client, PLAIN, PORT_MIN), TP_DROP_ALLOCATION);
	expect_drop(peer, 3, T0, TP_C_peer_no_allocation);
}
