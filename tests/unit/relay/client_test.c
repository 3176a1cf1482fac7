// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Datagrams from clients: the first byte, ChannelData, and what is handed to the control plane.

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
	apply(r, channel(2, peer, CHANNEL));
}

static void tear_down(void)
{
	relay_destroy(r);
}

TestSuite(client, .init = set_up, .fini = tear_down);

Test(client, channel_data_goes_to_the_bound_peer)
{
	struct relay_decision d = on_channel(r, client, CHANNEL, T0);

	cr_assert(eq(int, d.verdict, RELAY_PEER));
	cr_assert(eq(int, d.relay, PLAIN));
	cr_assert(eq(int, d.port, PORT_MIN + 1));
	cr_assert(eq(int, d.dont_fragment, 0));
	cr_assert(eq(u32, d.offset, 4));
	cr_assert(eq(u32, d.length, 3));
	cr_assert(eq(u32, d.allocation, 2));
	cr_endpoint(d.to, peer);
}

Test(client, channel_data_may_be_longer_than_its_length_and_not_shorter)
{
	static const uint8_t data[] = {0x40, 0x01, 0, 3, 'a', 'b', 'c', 0, 0};

	for (uint32_t n = 0; n < 7; n++) {
		// Byte by byte on the heap, so that a sanitizer sees a read too far.
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, data, n);
		if (n)
			cr_dropped(from_client(r, client, exact, n, T0), channel_malformed);
		else
			cr_dropped(from_client(r, client, exact, n, T0), client_reserved_byte);
		free(exact);
	}
	for (uint32_t n = 7; n <= sizeof(data); n++) {
		struct relay_decision d = from_client(r, client, data, n, T0);

		cr_assert(eq(int, d.verdict, RELAY_PEER));
		cr_assert(eq(u32, d.length, 3));
	}
}

Test(client, an_empty_channel_data_is_relayed_as_an_empty_datagram)
{
	struct relay_decision d = from_client(r, client, "\x40\x01\0\0", 4, T0);

	cr_assert(eq(int, d.verdict, RELAY_PEER));
	cr_assert(eq(u32, d.length, 0));
}

Test(client, a_channel_belongs_to_one_client_server_and_number)
{
	uint8_t data[] = {0x40, 0x01, 0, 0};
	struct relay_from_client in = {.data = data, .length = 4, .client = client};
	struct relay_decision d;

	cr_dropped(on_channel(r, client, CHANNEL + 1, T0), channel_unbound);
	cr_dropped(on_channel(r, ep("192.0.2.77", 5001), CHANNEL, T0), channel_unbound);
	cr_dropped(on_channel(r, ep("192.0.2.78", 5000), CHANNEL, T0), channel_unbound);
	cr_dropped(on_channel(r, ep("2001:db8::77", 5000), CHANNEL, T0), channel_unbound);
	in.server = 1;
	relay_decide_clients(r, &in, &d, 1, T0);
	cr_dropped(d, channel_unbound);
	in.server = 0;
	in.transport = 1;
	relay_decide_clients(r, &in, &d, 1, T0);
	cr_dropped(d, channel_unbound);
	in.transport = 0;
	relay_decide_clients(r, &in, &d, 1, T0);
	cr_assert(eq(int, d.verdict, RELAY_PEER));
}

Test(client, first_bytes_other_than_stun_and_channel_are_reserved)
{
	uint8_t data[20] = {0};

	for (unsigned int first = 0; first < 256; first++) {
		struct relay_decision d;

		data[0] = (uint8_t)first;
		d = from_client(r, client, data, sizeof(data), T0);
		cr_assert(eq(int, d.verdict, RELAY_DROP));
		if (first <= 3)
			cr_assert(eq(int, d.drop, TP_C_client_stun_malformed));
		else if (first >= 0x40 && first <= 0x4f)
			cr_assert(eq(int, d.drop, TP_C_channel_unbound));
		else
			cr_assert(eq(int, d.drop, TP_C_client_reserved_byte));
	}
}

Test(client, older_clients_get_channels_up_to_7fff_where_configured)
{
	struct relay_config c = config();
	struct relay *wide;

	cr_dropped(on_channel(r, client, 0x7fff, T0), client_reserved_byte);
	c.capabilities.channel_max = TP_CHANNEL_MAX_5766;
	wide = create(&c);
	apply(wide, allocation(0, client, PLAIN, PORT_MIN));
	cr_assert(eq(int, apply(wide, channel(0, peer, 0x7fff)), TP_STATUS_OK));
	cr_assert(eq(int, on_channel(wide, client, 0x7fff, T0).verdict, RELAY_PEER));
	cr_dropped(on_channel(wide, client, 0x8000, T0), client_reserved_byte);
	relay_destroy(wide);
}

Test(client, requests_are_punted_and_nothing_else_of_stun_is)
{
	static const struct {
		uint16_t type;
		uint8_t verdict;
		uint8_t drop;
	} cases[] = {
		{0x0001, RELAY_PUNT, 0}, {0x0003, RELAY_PUNT, 0}, {0x0009, RELAY_PUNT, 0},
		{0x0fee & ~0x0110, RELAY_PUNT, 0}, // an unknown method
		{0x0011, RELAY_DROP, TP_C_client_stun_unexpected}, // Binding indication
		{0x0017, RELAY_DROP, TP_C_client_stun_unexpected}, // Data indication
		{0x0101, RELAY_DROP, TP_C_client_stun_unexpected}, // success
		{0x0111, RELAY_DROP, TP_C_client_stun_unexpected}, // error
	};
	uint8_t data[20] = {0, 0, 0, 0, 0x21, 0x12, 0xa4, 0x42};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct relay_decision d;

		data[0] = (uint8_t)((cases[i].type >> 8) & 3);
		data[1] = (uint8_t)cases[i].type;
		d = from_client(r, client, data, sizeof(data), T0);
		cr_assert(eq(int, d.verdict, cases[i].verdict), "type %#x", cases[i].type);
		if (d.verdict == RELAY_DROP)
			cr_assert(eq(int, d.drop, cases[i].drop));
	}
}

Test(client, a_link_local_clients_request_is_refused_and_its_neighbours_are_not)
{
	uint8_t data[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};

	cr_dropped(from_client(r, ep("fe80::1", 1), data, 20, T0), client_link_local);
	cr_dropped(from_client(r, ep("febf:ffff::1", 1), data, 20, T0), client_link_local);
	cr_assert(eq(int, from_client(r, ep("fec0::1", 1), data, 20, T0).verdict, RELAY_PUNT));
	cr_assert(eq(int, from_client(r, ep("fe7f::1", 1), data, 20, T0).verdict, RELAY_PUNT));
	cr_assert(eq(int, from_client(r, ep("169.254.0.1", 1), data, 20, T0).verdict, RELAY_PUNT));
}

Test(client, a_punt_says_whether_the_client_has_a_live_allocation)
{
	uint8_t data[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
	struct tp_endpoint other = ep("2001:db8:c::9", 1);

	cr_assert(eq(int, from_client(r, client, data, 20, T0).known, 1));
	cr_assert(eq(int, from_client(r, client, data, 20, LATE).known, 0));
	cr_assert(eq(int, from_client(r, other, data, 20, T0).known, 0));
	// One with an IPv6 relay only is known too.
	apply(r, allocation(5, other, V6, PORT_MIN));
	cr_assert(eq(int, from_client(r, other, data, 20, T0).known, 1));
}

Test(client, a_stun_header_out_of_bounds_is_malformed)
{
	uint8_t good[24] = {0, 1, 0, 4, 0x21, 0x12, 0xa4, 0x42};
	uint8_t bad[24];

	cr_assert(eq(int, from_client(r, client, good, 24, T0).verdict, RELAY_PUNT));
	for (uint32_t n = 1; n < 24; n++)
		cr_dropped(from_client(r, client, good, n, T0), client_stun_malformed);
	for (int i = 4; i < 8; i++) {
		memcpy(bad, good, 24);
		bad[i] ^= 1;
		cr_dropped(from_client(r, client, bad, 24, T0), client_stun_malformed);
	}
	memcpy(bad, good, 24);
	bad[3] = 2; // not a multiple of 4, and the datagram as long as it says
	cr_dropped(from_client(r, client, bad, 22, T0), client_stun_malformed);
}

Test(client, a_burst_is_decided_as_its_datagrams_one_by_one)
{
	struct relay_from_client in[RELAY_BURST];
	struct relay_decision out[RELAY_BURST];
	uint8_t send[128], request[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
	uint8_t bound[] = {0x40, 0x01, 0, 0}, unbound[] = {0x40, 0x02, 0, 0};
	uint32_t length = write_send(send, peer, true);

	for (unsigned int i = 0; i < RELAY_BURST; i++) {
		in[i] = (struct relay_from_client){.client = client};
		switch (i % 5) {
		case 0:
			in[i].data = bound, in[i].length = sizeof(bound);
			break;
		case 1:
			in[i].data = send, in[i].length = length;
			break;
		case 2:
			in[i].data = request, in[i].length = sizeof(request);
			break;
		case 3:
			in[i].data = unbound, in[i].length = sizeof(unbound);
			break;
		case 4:
			in[i].data = send, in[i].length = length;
			in[i].client.port++;
			break;
		}
	}
	relay_decide_clients(r, in, out, RELAY_BURST, T0);
	for (unsigned int i = 0; i < RELAY_BURST; i++) {
		static const uint8_t verdict[] = {
			RELAY_PEER, RELAY_PEER, RELAY_PUNT, RELAY_DROP, RELAY_DROP};

		cr_assert(eq(int, out[i].verdict, verdict[i % 5]), "datagram %u", i);
		if (i % 5 == 1)
			cr_assert(eq(int, out[i].dont_fragment, 1));
		if (i % 5 == 3)
			cr_assert(eq(int, out[i].drop, TP_C_channel_unbound));
		if (i % 5 == 4)
			cr_assert(eq(int, out[i].drop, TP_C_send_no_allocation));
	}
}
