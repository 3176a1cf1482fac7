// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Send indications (RFC 8656 section 11.2).

#include "fixture.h"

static struct relay *r;
static struct tp_endpoint client, peer;

static void set_up(void)
{
	r = small_relay();
	client = ep("192.0.2.77", 5000);
	peer = ep("198.18.1.2", 6000);
	apply(r, allocation(2, client, PLAIN, PORT_MIN + 1));
	apply(r, permission(2, peer));
}

static void tear_down(void)
{
	relay_destroy(r);
}

TestSuite(send, .init = set_up, .fini = tear_down);

// A Send indication made of these attributes. On the heap, to its exact length.
static struct relay_decision send_of(const void *attributes, uint32_t length)
{
	uint8_t *b = calloc(1, 20 + length);
	struct relay_decision d;

	memcpy(b,
		(uint8_t[]){
			0, 0x16, (uint8_t)(length >> 8), (uint8_t)length, 0x21, 0x12, 0xa4, 0x42},
		8);
	memcpy(b + 20, attributes, length);
	d = from_client(r, client, b, 20 + length, T0);
	free(b);
	return d;
}

// 198.18.1.2 port 6000, XORed.
#define PEER "\x00\x12\x00\x08\x00\x01\x36\x62\xe7\x00\xa5\x40"
#define OTHER "\x00\x12\x00\x08\x00\x01\x36\x62\xe7\x00\xa5\x41"
#define DATA "\x00\x13\x00\x03xyz\x00"
#define of(s) send_of(s, sizeof(s) - 1)

Test(send, goes_to_its_peer_at_any_port_of_a_permission)
{
	struct relay_decision d = of(PEER DATA);

	cr_assert(eq(int, d.verdict, RELAY_PEER));
	cr_assert(eq(int, d.relay, PLAIN));
	cr_assert(eq(int, d.port, PORT_MIN + 1));
	cr_assert(eq(int, d.dont_fragment, 0));
	cr_assert(eq(u32, d.offset, 36));
	cr_assert(eq(u32, d.length, 3));
	cr_assert(eq(u32, d.allocation, 2));
	cr_endpoint(d.to, peer);
	cr_assert(eq(int, by_send(r, client, ep("198.18.1.2", 1), T0).verdict, RELAY_PEER));
}

Test(send, reaches_ipv6_peers_of_an_ipv6_relay)
{
	struct tp_endpoint six = ep("2001:db8:e::2", 6000);
	struct relay_decision d;

	apply(r, allocation(3, ep("192.0.2.77", 5009), V6, PORT_MIN + 1));
	apply(r, permission(3, six));
	d = by_send(r, ep("192.0.2.77", 5009), six, T0);
	cr_assert(eq(int, d.verdict, RELAY_PEER));
	cr_assert(eq(int, d.relay, V6));
	cr_endpoint(d.to, six);
}

Test(send, dont_fragment_is_passed_on)
{
	cr_assert(eq(int, of("\x00\x1a\x00\x00" PEER DATA).dont_fragment, 1));
	cr_assert(eq(int, of(PEER DATA "\x00\x1a\x00\x00").dont_fragment, 1));
}

Test(send, the_first_of_two_attributes_counts)
{
	cr_assert(eq(int, of(PEER OTHER DATA).to.ip.b[15], 2));
	cr_dropped(of(OTHER PEER DATA), send_no_permission);
	cr_assert(eq(u32, of(PEER DATA "\x00\x13\x00\x00").length, 3));
}

Test(send, needs_address_and_data)
{
	cr_dropped(of(PEER), send_incomplete);
	cr_dropped(of(DATA), send_incomplete);
	cr_dropped(of(""), send_incomplete);
	cr_assert(eq(u32, of(PEER "\x00\x13\x00\x00").length, 0));
}

Test(send, unknown_required_attributes_discard_it_and_known_or_optional_ones_do_not)
{
	cr_dropped(of(PEER DATA "\x7f\xff\x00\x00"), send_unknown_attribute);
	cr_dropped(of("\x00\x24\x00\x04zzzz" PEER DATA), send_unknown_attribute); // ICE PRIORITY
	cr_assert(eq(int, of(PEER DATA "\x80\x28\x00\x04zzzz").verdict, RELAY_PEER));
	cr_assert(eq(int, of("\xc0\x01\x00\x00" PEER DATA).verdict, RELAY_PEER));
	cr_assert(eq(int, of("\x00\x06\x00\x01u\x00\x00\x00" PEER DATA).verdict, RELAY_PEER));
}

Test(send, nothing_counts_behind_message_integrity)
{
	cr_dropped(of(PEER "\x00\x08\x00\x14zzzzzzzzzzzzzzzzzzzz" DATA), send_incomplete);
	cr_assert(eq(int,
		of(PEER DATA "\x00\x08\x00\x14zzzzzzzzzzzzzzzzzzzz\x7f\xff\x00\x00").verdict,
		RELAY_PEER));
}

Test(send, attributes_out_of_bounds_are_malformed)
{
	cr_dropped(of(PEER "\x00\x13\x00\x05xyz\x00"), client_stun_malformed);
	cr_dropped(of(PEER "\x00\x13\xff\xffxyz\x00"), client_stun_malformed);
	cr_dropped(
		of("\x00\x12\x00\x07\x00\x01\x36\x62\xe7\x00\xa5\x00" DATA), client_stun_malformed);
	cr_dropped(of("\x00\x12\x00\x00" DATA), client_stun_malformed);
	// Families that don't go with their lengths, and one that is none.
	cr_dropped(
		of("\x00\x12\x00\x08\x00\x02\x36\x62\xe7\x00\xa5\x40" DATA), client_stun_malformed);
	cr_dropped(
		of("\x00\x12\x00\x08\x00\x03\x36\x62\xe7\x00\xa5\x40" DATA), client_stun_malformed);
	cr_dropped(of("\x00\x12\x00\x14\x00\x01\x36\x62\xe7\x00\xa5\x40zzzzzzzzzzzz" DATA),
		client_stun_malformed);
}

Test(send, a_peer_that_can_not_be_one_is_invalid)
{
	uint8_t data[128];
	uint32_t n;

	cr_dropped(by_send(r, client, ep("198.18.1.2", 0), T0), send_invalid_peer);
	cr_dropped(by_send(r, client, ep("2001:db8:e::2", 6000), T0), send_invalid_peer);
	// ::ffff:198.18.1.2 as IPv6 address
	n = write_send(data, ep("2001:db8:e::2", 6000), false);
	for (int i = 0; i < 16; i++)
		data[28 + i] = peer.ip.b[i] ^ data[4 + i];
	cr_dropped(from_client(r, client, data, n, T0), send_invalid_peer);
	apply(r, allocation(3, client, V6, PORT_MIN + 1));
	cr_dropped(from_client(r, client, data, n, T0), send_invalid_peer);
}

Test(send, needs_an_allocation_and_a_permission)
{
	cr_dropped(by_send(r, ep("192.0.2.77", 5001), peer, T0), send_no_allocation);
	cr_dropped(by_send(r, client, ep("198.18.1.3", 6000), T0), send_no_permission);
	drop_as(r, permission(2, peer), TP_DROP_PERMISSION);
	cr_dropped(by_send(r, client, peer, T0), send_no_permission);
	drop_as(r, allocation(2, client, PLAIN, PORT_MIN + 1), TP_DROP_ALLOCATION);
	cr_dropped(by_send(r, client, peer, T0), send_no_allocation);
}

Test(send, a_client_with_a_relay_of_each_family_uses_the_one_of_its_peer)
{
	struct tp_endpoint six = ep("2001:db8:e::2", 6000);

	cr_assert(eq(int, apply(r, allocation(4, client, V6, PORT_MIN + 7)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, permission(4, six)), TP_STATUS_OK));
	cr_assert(eq(u32, by_send(r, client, peer, T0).allocation, 2));
	cr_assert(eq(u32, by_send(r, client, six, T0).allocation, 4));
}
