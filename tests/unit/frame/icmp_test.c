// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>

#include <frame.h>

#include "guard.h"
#include "world.h"

static uint8_t bytes[PACKET_MAX];

static int parse(struct frame_icmp *out, const struct packet_spec *p, uint32_t less)
{
	uint32_t n = packet_build(bytes, p);
	struct frame f;

	frame_parse(&f, bytes, n, n, false);
	cr_assert(eq(int, f.kind, FRAME_ICMP_ERROR));
	memset(out, 0xee, sizeof(*out));
	return frame_parse_icmp(out, &f, bytes, n - less);
}

Test(icmp, an_error_says_what_and_about_which_datagram)
{
	static const struct packet_spec about = {TO_PEER_44, .fill = 100};
	const struct packet_spec p = {.source = "100.64.0.1",
		.destination = RELAY4,
		.type = 3,
		.code = 4,
		.data = 0x12345678,
		.quote = &about,
		.quote_length = 28};
	const struct tp_endpoint relay = {
		.ip = {.b = {[10] = 0xff, 0xff, 198, 51, 100, 1}}, .port = 49152};
	const struct tp_endpoint peer = {
		.ip = {.b = {[10] = 0xff, 0xff, 203, 0, 113, 9}}, .port = 6000};
	struct frame_icmp icmp;

	cr_assert(eq(int, parse(&icmp, &p, 0), 0));
	cr_assert(eq(int, icmp.type, 3));
	cr_assert(eq(int, icmp.code, 4));
	cr_assert(eq(u32, icmp.data, 0x12345678));
	cr_assert(eq(int, memcmp(&icmp.source, &relay, sizeof(relay)), 0));
	cr_assert(eq(int, memcmp(&icmp.destination, &peer, sizeof(peer)), 0));
}

Test(icmp, an_error_that_is_not_in_one_piece_is_not_read)
{
	static const struct packet_spec about = {TO_PEER_66, .fill = 100};
	const struct packet_spec p = {
		.source = PEER6, .destination = RELAY6, .type = 1, .code = 4, .quote = &about};
	struct frame_icmp icmp;

	cr_assert(eq(int, parse(&icmp, &p, 0), 0));
	cr_assert(eq(int, parse(&icmp, &p, 1), -EBADMSG));
}

Test(icmp, an_embedded_address_that_is_ipv4_mapped_is_refused)
{
	static const struct packet_spec from = {BETWEEN("::ffff:198.51.100.1", 49152, PEER6, 6000)};
	static const struct packet_spec to = {BETWEEN(RELAY6, 49152, "::ffff:203.0.113.9", 6000)};
	struct packet_spec p = {
		.source = PEER6, .destination = RELAY6, .type = 1, .code = 4, .quote = &from};
	struct frame_icmp icmp;

	cr_assert(eq(int, parse(&icmp, &p, 0), -EBADMSG));
	p.quote = &to;
	cr_assert(eq(int, parse(&icmp, &p, 0), -EBADMSG));
}

Test(icmp, an_error_about_an_icmp_message_is_the_kernels)
{
	static const struct packet_spec about = {TO_PEER_66, .fill = 100, .protocol = 58};
	const struct packet_spec p = {
		.source = PEER6, .destination = RELAY6, .type = 1, .code = 4, .quote = &about};
	uint32_t n = packet_build(bytes, &p);
	struct frame f;

	frame_parse(&f, bytes, n, n, false);
	cr_assert(eq(int, f.kind, FRAME_OTHER));
}

Test(icmp, what_stands_behind_the_ip_packet_is_not_the_embedded_datagrams)
{
	static const struct packet_spec about = {TO_PEER_44};
	const struct packet_spec p = {.source = PEER4,
		.destination = RELAY4,
		.type = 3,
		.code = 3,
		.quote = &about,
		.quote_length = 27,
		.trailer = 8};
	uint32_t n = packet_build(bytes, &p);
	struct frame f;

	frame_parse(&f, bytes, n, n, false);
	cr_assert(eq(int, f.kind, FRAME_OTHER));
}

static uint32_t error_about(uint8_t *out, const struct packet_spec *p, bool fragment_too)
{
	const struct tp_ip from = {.b = {[10] = 0xff, 0xff, 192, 0, 2, 1}};
	uint32_t n = packet_build(bytes, p);
	struct frame f;

	frame_parse(&f, bytes, n, n, false);
	cr_assert(f.kind == FRAME_UDP || fragment_too);
	return frame_make_error(out, FRAME_TIME_EXCEEDED, bytes, n, &f, &from, 0);
}

Test(icmp, no_error_is_sent_about_fragments_groups_or_errors)
{
	static const struct packet_spec about = {TO_PEER_44};
	static const uint8_t to_group[12] = {1, 0, 0x5e, 0, 0, 1, 2}, from_group[12] = {2, [6] = 3};
	uint8_t out[FRAME_ERROR_MAX];
	struct packet_spec p = {FROM_CLIENT_44, .fill = 10};

	cr_assert(gt(u32, error_about(out, &p, false), 0));
	p.l2 = to_group;
	cr_assert(eq(u32, error_about(out, &p, false), 0));
	p.l2 = from_group;
	cr_assert(eq(u32, error_about(out, &p, false), 0));
	p.l2 = NULL;
	p.destination = "224.0.0.5";
	cr_assert(eq(u32, error_about(out, &p, false), 0));
	p.destination = SERVER4;
	p.fragment = 0x2000;
	cr_assert(eq(u32, error_about(out, &p, true), 0));
	p = (struct packet_spec){
		.source = PEER4, .destination = RELAY4, .type = 3, .quote = &about};
	cr_assert(eq(u32, error_about(out, &p, true), 0));
	// From an address of another family.
	p = (struct packet_spec){FROM_CLIENT_66, .fill = 10};
	cr_assert(eq(u32, error_about(out, &p, false), 0));
}

Test(icmp, an_error_fills_no_more_than_it_says_and_reads_no_more_than_there_is)
{
	const struct tp_ip from = {.b = {0x20, 1, 0xd, 0xb8, [15] = 1}};
	const struct packet_spec p = {FROM_CLIENT_66, .vlan = 5, .fill = 1400};
	uint32_t n = packet_build(bytes, &p), length;
	struct guard in = guard_make(4096), out = guard_make(4096);
	struct frame f;

	frame_parse(&f, bytes, n, n, false);
	// Its first 200 bytes are in one piece.
	length = frame_make_error(out.end - FRAME_ERROR_MAX, FRAME_TOO_BIG,
		guard_put(&in, bytes, 200), 200, &f, &from, 1280);
	cr_assert(eq(u32, length, 18 + 40 + 8 + 200 - 18));
	cr_assert(packet_sound(out.end - FRAME_ERROR_MAX, length));
	length = frame_make_error(
		out.end - FRAME_ERROR_MAX, FRAME_TOO_BIG, bytes, n, &f, &from, 1280);
	cr_assert(eq(u32, length, FRAME_ERROR_MAX));
	cr_assert(packet_sound(out.end - FRAME_ERROR_MAX, length));
	guard_free(&in);
	guard_free(&out);
}
