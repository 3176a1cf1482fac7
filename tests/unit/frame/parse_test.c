// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <frame.h>
#include <turnpike/ip.h>

#include "guard.h"
#include "world.h"

static uint8_t bytes[PACKET_MAX];

static struct frame parse(const struct packet_spec *p)
{
	uint32_t n = packet_build(bytes, p);
	struct frame f;

	memset(&f, 0xee, sizeof(f));
	frame_parse(&f, bytes, n, n, false);
	return f;
}

static struct tp_endpoint ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	struct tp_endpoint e = {.ip = {.b = {[10] = 0xff, 0xff, a, b, c, d}}, .port = port};

	return e;
}

#define cr_same(actual, ...) \
	do { \
		struct tp_endpoint want = (__VA_ARGS__); \
		cr_assert(eq(int, memcmp(&(actual), &want, sizeof(want)), 0)); \
	} while (0)

Test(parse, an_ipv4_datagram_gives_all_its_fields)
{
	struct frame f = parse(&(struct packet_spec){FROM_CLIENT_44, .fill = 9, .tos = 0xb9,
		.ttl = 3, .dont_fragment = true, .trailer = 9});

	cr_assert(eq(int, f.kind, FRAME_UDP));
	cr_assert(eq(int, f.family, TP_IPV4));
	cr_assert(eq(int, f.ttl, 3));
	cr_assert(eq(int, f.tos, 0xb9));
	cr_assert(f.dont_fragment && !f.checksum_zero);
	cr_assert(eq(int, f.l2_length, 14));
	cr_assert(eq(int, f.l4, 34));
	cr_assert(eq(int, f.payload, 42));
	cr_assert(eq(u32, f.payload_length, 9));
	cr_assert(eq(u32, tp_sum_fold(f.payload_sum), 0x7491));
	cr_same(f.source, ip4(10, 1, 0, 1, 5000));
	cr_same(f.destination, ip4(192, 0, 2, 1, 3478));
}

Test(parse, a_tagged_ipv4_datagram_with_options_gives_the_same)
{
	struct frame f = parse(&(struct packet_spec){FROM_CLIENT_44, .fill = 9, .tos = 0xb9,
		.ttl = 3, .vlan = 7, .options = "01010100", .udp_checksum = CHECKSUM_NONE});

	cr_assert(eq(int, f.kind, FRAME_UDP));
	cr_assert(eq(int, f.family, TP_IPV4));
	cr_assert(eq(int, f.ttl, 3));
	cr_assert(eq(int, f.tos, 0xb9));
	cr_assert(f.checksum_zero && !f.dont_fragment);
	cr_assert(eq(int, f.l2_length, 18));
	cr_assert(eq(int, f.l4, 42));
	cr_assert(eq(int, f.payload, 50));
	cr_assert(eq(u32, f.payload_length, 9));
	cr_same(f.source, ip4(10, 1, 0, 1, 5000));
	cr_same(f.destination, ip4(192, 0, 2, 1, 3478));
}

Test(parse, an_ipv6_datagram_gives_all_its_fields)
{
	struct frame f = parse(&(struct packet_spec){
		FROM_PEER_66, .fill = 9, .tos = 0xb9, .ttl = 3, .flow_label = 0xfffff});

	cr_assert(eq(int, f.kind, FRAME_UDP));
	cr_assert(eq(int, f.family, TP_IPV6));
	cr_assert(eq(int, f.ttl, 3));
	cr_assert(eq(int, f.tos, 0xb9));
	cr_assert(f.dont_fragment && !f.checksum_zero);
	cr_assert(eq(int, f.l2_length, 14));
	cr_assert(eq(int, f.l4, 54));
	cr_assert(eq(int, f.payload, 62));
	cr_assert(eq(u32, f.payload_length, 9));
	cr_same(f.source, (struct tp_endpoint){
				  .ip = {.b = {0x20, 1, 0xd, 0xb8, 0, 9, [15] = 9}}, .port = 6000});
	cr_same(f.destination,
		(struct tp_endpoint){
			.ip = {.b = {0x20, 1, 0xd, 0xb8, 0, 1, [15] = 1}}, .port = 49155});
}

Test(parse, a_fragment_header_around_a_whole_datagram_allows_fragments)
{
	struct frame f = parse(&(struct packet_spec){
		FROM_PEER_66, .fill = 9, .next = 44, .extension = "11 00 0000 00000007"});

	cr_assert(eq(int, f.kind, FRAME_UDP));
	cr_assert(eq(int, f.l4, 62));
	cr_assert(not(f.dont_fragment));
}

Test(parse, a_fragment_tells_where_its_piece_begins_and_has_no_ports)
{
	struct frame f = parse(
		&(struct packet_spec){FROM_CLIENT_44, .fill = 9, .fragment = 0x2000});

	cr_assert(eq(int, f.kind, FRAME_FRAGMENT));
	cr_assert(eq(int, f.l4, 34));
	cr_same(f.source, ip4(10, 1, 0, 1, 0));
	f = parse(&(struct packet_spec){FROM_PEER_66, .fill = 9, .vlan = 3, .next = 60,
		.extension = "2c 00 0104 00000000 11 00 0001 00000007"});
	cr_assert(eq(int, f.kind, FRAME_FRAGMENT));
	cr_assert(eq(int, f.l2_length, 18));
	cr_assert(eq(int, f.l4, 18 + 40 + 8));
	cr_assert(eq(int, f.destination.port, 0));
}

Test(parse, a_checksum_that_the_port_has_verified_is_not_verified_again)
{
	uint32_t n = packet_build(bytes,
		&(struct packet_spec){FROM_CLIENT_44, .fill = 9, .ip_checksum = CHECKSUM_WRONG});
	struct frame f;

	frame_parse(&f, bytes, n, n, false);
	cr_assert(eq(int, f.kind, FRAME_MALFORMED));
	frame_parse(&f, bytes, n, n, true);
	cr_assert(eq(int, f.kind, FRAME_UDP));
	n = packet_build(bytes, &(struct packet_spec){FROM_CLIENT_44, .fill = 9, .vlan = 1,
					.ip_checksum = CHECKSUM_WRONG});
	frame_parse(&f, bytes, n, n, true);
	cr_assert(eq(int, f.kind, FRAME_UDP));
}

Test(parse, a_host_that_has_no_address_yet_is_the_kernels)
{
	struct frame f = parse(
		&(struct packet_spec){BETWEEN("0.0.0.0", 68, SERVER4, 3478), .fill = 9});

	cr_assert(eq(int, f.kind, FRAME_OTHER));
}

Test(parse, what_is_not_ip_is_the_kernels)
{
	uint8_t arp[60] = {[12] = 8, [13] = 6};
	uint8_t stacked[60] = {[12] = 0x81, [16] = 0x81};
	struct frame f;

	frame_parse(&f, arp, sizeof(arp), sizeof(arp), false);
	cr_assert(eq(int, f.kind, FRAME_OTHER));
	frame_parse(&f, stacked, sizeof(stacked), sizeof(stacked), false);
	cr_assert(eq(int, f.kind, FRAME_OTHER));
}

Test(parse, a_chain_of_extension_headers_without_end_is_the_kernels)
{
	char chain[9 * 16 + 1] = "";
	struct frame f;

	for (int i = 0; i < 8; i++)
		strcat(chain, i < 7 ? "3c00010400000000" : "1100010400000000");
	f = parse(&(struct packet_spec){FROM_PEER_66, .fill = 9, .next = 60, .extension = chain});
	cr_assert(eq(int, f.kind, FRAME_OTHER));
	f = parse(&(struct packet_spec){
		FROM_PEER_66, .fill = 9, .next = 60, .extension = chain + 16});
	cr_assert(eq(int, f.kind, FRAME_UDP));
}

// A hop-by-hop header of 16 bytes where the IP length covers 8, with a UDP header behind in the frame.
Test(parse, an_extension_header_beyond_the_ip_length_is_malformed)
{
	static const uint8_t frame[14 + 40 + 16 + 8] = {[12] = 0x86,
		0xdd,
		0x60,
		0,
		0,
		0,
		0,
		8,
		0,
		64,
		0x20,
		0x01,
		[38] = 0x20,
		0x01,
		[54] = 17,
		1,
		[73] = 1,
		[75] = 8,
		[77] = 1};
	struct frame f;

	frame_parse(&f, frame, sizeof(frame), sizeof(frame), false);
	cr_assert(eq(int, f.kind, FRAME_MALFORMED));
}

static const struct packet_spec quoted4 = {TO_PEER_44, .fill = 20, .options = "01010100"};
static const struct packet_spec quoted6 = {
	TO_PEER_66, .fill = 20, .next = 60, .extension = "11 00 0104 00000000"};

// Where the headers of each end.
static const struct {
	struct packet_spec packet;
	uint32_t headers;
	uint8_t kind;
} every[] = {
	{{FROM_CLIENT_44, .fill = 30}, 42, FRAME_UDP},
	{{FROM_CLIENT_44, .vlan = 3, .fill = 30}, 46, FRAME_UDP},
	{{FROM_CLIENT_44, .fill = 30, .options = "0707040000000000"}, 50, FRAME_UDP},
	{{FROM_CLIENT_66, .fill = 30}, 62, FRAME_UDP},
	{{FROM_CLIENT_66, .vlan = 3, .fill = 30}, 66, FRAME_UDP},
	{{FROM_PEER_66, .fill = 30, .next = 0,
		 .extension = "3c 00 0104 00000000 2b 01 010a 00000000 0000000000000000 2c 00 00 "
			      "00 00000000 "
			      "11 00 0000 00000007"},
		102, FRAME_UDP},
	{{FROM_PEER_44, .fill = 30, .fragment = 0x2000}, 34, FRAME_FRAGMENT},
	{{FROM_PEER_66, .fill = 30, .next = 44, .extension = "11 00 0001 00000007"}, 62,
		FRAME_FRAGMENT},
	{{.source = PEER4, .destination = RELAY4, .type = 3, .code = 3, .quote = &quoted4}, 74,
		FRAME_ICMP_ERROR},
	{{.source = PEER6, .destination = RELAY6, .type = 1, .code = 4, .quote = &quoted6}, 118,
		FRAME_ICMP_ERROR},
};

Test(parse, nothing_is_read_behind_a_frame_that_is_cut_off_anywhere)
{
	struct guard g = guard_make(4096);
	struct frame f;

	for (unsigned int i = 0; i < sizeof(every) / sizeof(every[0]); i++) {
		uint32_t n = packet_build(bytes, &every[i].packet);

		for (uint32_t k = 0; k < n; k++) {
			const uint8_t *data = guard_put(&g, bytes, k);

			// The frame ends there: it is not what it was.
			frame_parse(&f, data, k, k, false);
			cr_assert(f.kind == FRAME_MALFORMED || f.kind == FRAME_OTHER,
				"%u: %u of %u", i, k, n);
			// The rest is elsewhere: it is, if the headers are here.
			frame_parse(&f, data, k, n, false);
			if (k >= every[i].headers)
				cr_assert(eq(int, f.kind, every[i].kind), "%u: %u of %u", i, k, n);
			else
				cr_assert(f.kind == FRAME_MALFORMED || f.kind == FRAME_OTHER,
					"%u: %u of %u", i, k, n);
		}
	}
	guard_free(&g);
}

Test(parse, nothing_is_read_behind_a_frame_whatever_any_byte_of_its_headers_says)
{
	struct guard g = guard_make(4096);
	struct frame_icmp icmp;
	struct frame f;

	for (unsigned int i = 0; i < sizeof(every) / sizeof(every[0]); i++) {
		uint32_t n = packet_build(bytes, &every[i].packet);

		for (uint32_t k = 12; k < every[i].headers; k++) {
			for (uint32_t value = 0; value < 256; value++) {
				uint8_t *data = guard_put(&g, bytes, n);

				data[k] = (uint8_t)value;
				frame_parse(&f, data, n, n, true);
				if (f.kind == FRAME_UDP)
					cr_assert(f.payload + f.payload_length <= n);
				if (f.kind == FRAME_ICMP_ERROR)
					frame_parse_icmp(&icmp, &f, data, n);
			}
		}
	}
	guard_free(&g);
}
