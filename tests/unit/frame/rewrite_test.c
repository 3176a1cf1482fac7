// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>

#include <frame.h>

#include "guard.h"
#include "world.h"

static uint8_t buffer[FRAME_HEADROOM + PACKET_MAX];
static uint8_t *const bytes = buffer + FRAME_HEADROOM;

static struct tp_endpoint ip4(uint8_t last, uint16_t port)
{
	return (struct tp_endpoint){
		.ip = {.b = {[10] = 0xff, 0xff, 203, 0, 113, last}}, .port = port};
}

static struct tp_endpoint ip6(uint8_t last, uint16_t port)
{
	return (struct tp_endpoint){.ip = {.b = {0x20, 1, 0xd, 0xb8, [15] = last}}, .port = port};
}

static struct frame_send send4(uint32_t length)
{
	return (struct frame_send){.source = ip4(1, 50000),
		.destination = ip4(2, 6000),
		.length = length,
		.l2_length = 14,
		.mtu = 1500};
}

static struct frame_send send6(uint32_t length)
{
	return (struct frame_send){.source = ip6(1, 50000),
		.destination = ip6(2, 6000),
		.length = length,
		.l2_length = 14,
		.mtu = 1500};
}

static uint32_t make(struct frame *f, const struct packet_spec *p)
{
	uint32_t n = packet_build(bytes, p);

	frame_parse(f, bytes, n, n, true);
	return n;
}

Test(rewrite, a_damaged_payload_stays_damaged)
{
	const struct packet_spec p = {
		FROM_CLIENT_44, .front = "4001 0064", .fill = 100, .udp_checksum = CHECKSUM_WRONG};
	struct frame_send to[2] = {send4(100), send6(100)};
	struct frame_result r;
	struct frame f;

	for (int i = 0; i < 2; i++) {
		make(&f, &p);
		to[i].offset = 4;
		cr_assert(eq(int, frame_rewrite(bytes, &f, &to[i], &r, NULL, NULL), 0));
		cr_assert(not(packet_sound(bytes + r.start, r.total)));
		packet_refresh(bytes + r.start, r.total);
		cr_assert(packet_sound(bytes + r.start, r.total));
	}
}

static void refused(struct frame_send *s)
{
	const struct packet_spec p = {FROM_CLIENT_44, .fill = 100};
	static uint8_t before[sizeof(buffer)];
	struct frame_result r;
	struct frame f;

	make(&f, &p);
	memcpy(before, buffer, sizeof(buffer));
	cr_assert(eq(int, frame_rewrite(bytes, &f, s, &r, NULL, NULL), -EINVAL));
	cr_assert(eq(int, memcmp(before, buffer, sizeof(buffer)), 0));
}

Test(rewrite, what_contradicts_itself_is_refused_and_changes_nothing)
{
	static const uint8_t front[200];
	struct frame_send s = send4(101);

	refused(&s);
	s = send4(100);
	s.offset = 1;
	refused(&s);
	s = send4(1);
	s.offset = UINT32_MAX;
	refused(&s);
	s = send4(UINT32_MAX);
	s.offset = 2;
	refused(&s);
	s = send4(100);
	s.l2_length = 16;
	refused(&s);
	s = send4(100);
	s.source = ip6(1, 50000);
	refused(&s);
	s = send4(100);
	s.front = front;
	s.front_length = 14 + 20 + 8 + FRAME_HEADROOM - (14 + 20 + 8) + 1;
	refused(&s);
}

Test(rewrite, the_headroom_is_enough_for_whatever_grows_most)
{
	static const uint8_t front[48];
	const struct packet_spec p = {FROM_CLIENT_44, .fill = 100};
	struct frame_send s = send6(100);
	struct frame_result r;
	struct frame f;

	make(&f, &p);
	s.front = front;
	s.front_length = sizeof(front);
	s.l2_length = FRAME_L2_MAX;
	memcpy(s.l2 + 12, (uint8_t[]){0x81, 0, 0, 9}, 4);
	cr_assert(eq(int, frame_rewrite(bytes, &f, &s, &r, NULL, NULL), 0));
	cr_assert(eq(int, r.start, 42 - 48 - 8 - 40 - 18));
	cr_assert(eq(u32, r.headers, 48 + 8 + 40 + 18));
	cr_assert(eq(u32, r.total, 48 + 8 + 40 + 18 + 100));
	cr_assert(packet_sound(bytes + r.start, r.total));
}

Test(rewrite, no_datagram_grows_beyond_what_its_length_field_can_say)
{
	static const uint8_t front[4] = {0x40, 1, 0xff, 0xe3};
	struct packet_spec p = {FROM_PEER_44, .fill = 65507};
	struct frame_send s = send4(65507);
	struct frame_result r;
	struct frame f;

	make(&f, &p);
	cr_assert(eq(int, f.kind, FRAME_UDP));
	s.front = front;
	s.front_length = 4;
	cr_assert(eq(int, frame_rewrite(bytes, &f, &s, &r, NULL, NULL), -EMSGSIZE));
	s.front_length = 0;
	cr_assert(eq(int, frame_rewrite(bytes, &f, &s, &r, NULL, NULL), 0));
	cr_assert(r.fragment);
	cr_assert(packet_sound(bytes + r.start, r.total));

	p = (struct packet_spec){
		FROM_PEER_66, .fill = 65519, .next = 44, .extension = "11 00 0000 00000007"};
	make(&f, &p);
	cr_assert(eq(int, f.kind, FRAME_UDP));
	s = send6(65519);
	s.front = front;
	s.front_length = 4;
	cr_assert(eq(int, frame_rewrite(bytes, &f, &s, &r, NULL, NULL), 0));
	cr_assert(packet_sound(bytes + r.start, r.total));
	make(&f, &p);
	s.padding = 5;
	cr_assert(eq(int, frame_rewrite(bytes, &f, &s, &r, NULL, NULL), -EMSGSIZE));
}

Test(rewrite, what_came_to_an_ipv6_address_in_fragments_may_leave_in_fragments)
{
	const struct packet_spec whole = {FROM_PEER_66, .fill = 1400};
	struct frame_send s = send6(1400), to4 = send4(1400);
	struct frame_result r;
	struct frame f;

	s.mtu = to4.mtu = 1400;
	make(&f, &whole);
	cr_assert(eq(int, frame_rewrite(bytes, &f, &s, &r, NULL, NULL), -EMSGSIZE));
	f.dont_fragment = false; // as who reassembled it says
	cr_assert(eq(int, frame_rewrite(bytes, &f, &s, &r, NULL, NULL), 0));
	cr_assert(r.fragment);
	make(&f, &whole);
	f.dont_fragment = false;
	cr_assert(eq(int, frame_rewrite(bytes, &f, &to4, &r, NULL, NULL), 0));
	cr_assert(r.fragment);
	cr_assert(eq(int, bytes[r.start + 14 + 6], 0));
}

struct pieces {
	const uint8_t *payload;
	uint32_t offset;
	uint32_t length;
	unsigned int calls;
};

// Words in memory order, one after the other.
static uint32_t sum_pieces(void *context, uint32_t offset, uint32_t length)
{
	struct pieces *p = context;
	uint32_t sum = 0;

	p->offset = offset;
	p->length = length;
	p->calls++;
	for (uint32_t i = 0; i < length; i += 2) {
		uint16_t word = 0;

		memcpy(&word, p->payload + offset + i, length - i > 1 ? 2 : 1);
		sum += word;
	}
	return sum;
}

Test(rewrite, a_payload_in_pieces_is_summed_by_its_owner_who_also_pads_it)
{
	static const uint8_t front[36] = {0, 0x17};
	struct packet_spec p = {
		FROM_PEER_64, .fill = 101, .tail = "aabbcc", .udp_checksum = CHECKSUM_NONE};
	static uint8_t copy[200];
	struct pieces pieces = {.payload = copy};
	struct frame_send s = send6(101), to4 = send4(101);
	struct frame_result r;
	struct frame f;

	make(&f, &p);
	s.front = front;
	s.front_length = sizeof(front);
	s.padding = 3;
	// Elsewhere; what is here must not count.
	memcpy(copy, bytes + f.payload, 104);
	memset(bytes + f.payload, 0x77, 104);
	cr_assert(eq(int, frame_rewrite(bytes, &f, &s, &r, sum_pieces, &pieces), 0));
	cr_assert(eq(int, pieces.calls, 1));
	cr_assert(eq(u32, pieces.offset, 0));
	cr_assert(eq(u32, pieces.length, 101));
	cr_assert(eq(int, bytes[f.payload + 101], 0x77));
	memcpy(bytes + f.payload, copy, 101);
	memset(bytes + f.payload + 101, 0, 3);
	cr_assert(packet_sound(bytes + r.start, r.total));

	// With a checksum and nothing behind the data, there is only the padding that is not ours.
	p = (struct packet_spec){FROM_PEER_44, .fill = 101};
	to4.front = front;
	to4.front_length = sizeof(front);
	to4.padding = 3;
	make(&f, &p);
	memset(bytes + f.payload + 101, 0x77, 3);
	cr_assert(eq(int, frame_rewrite(bytes, &f, &to4, &r, sum_pieces, &pieces), 0));
	cr_assert(eq(int, pieces.calls, 1));
	cr_assert(eq(int, bytes[f.payload + 101], 0x77));

	// What is behind the data is summed by its owner too.
	p = (struct packet_spec){FROM_PEER_64, .fill = 101, .tail = "aabbcc"};
	make(&f, &p);
	memcpy(copy, bytes + f.payload, 104);
	memset(bytes + f.payload, 0x77, 104);
	s.padding = 0;
	cr_assert(eq(int, frame_rewrite(bytes, &f, &s, &r, sum_pieces, &pieces), 0));
	cr_assert(eq(int, pieces.calls, 2));
	cr_assert(eq(u32, pieces.offset, 101));
	cr_assert(eq(u32, pieces.length, 3));
	memcpy(bytes + f.payload, copy, 101);
	cr_assert(packet_sound(bytes + r.start, r.total));
}

// Whether frame_build() makes this frame of nine bytes.
static void builds(const struct packet_spec *want, const struct frame_send *s)
{
	static uint8_t expected[PACKET_MAX];
	uint32_t n = packet_build(expected, want);
	const uint8_t *first;

	for (uint8_t i = 0; i < 9; i++)
		bytes[i] = i;
	first = frame_build(bytes, 9, s);
	cr_assert(eq(int, (int)(bytes + 9 - first), (int)n));
	cr_assert(eq(int, memcmp(first, expected, n), 0));
}

Test(build, a_datagram_of_our_own_is_what_the_rfcs_say)
{
	static const uint8_t front[] = {0x61, 0x62, 0x63};
	struct packet_spec want = {.l2 = next_hop_l2,
		BETWEEN("203.0.113.1", 50000, "203.0.113.2", 6000),
		.front = "616263 000102030405060708",
		.dont_fragment = true,
		.vlan = 9};
	struct frame_send s = send4(0);

	memcpy(s.l2, next_hop_l2, 12);
	memcpy(s.l2 + 12, (uint8_t[]){0x81, 0, 0, 9}, 4);
	s.l2_length = FRAME_L2_MAX;
	s.front = front;
	s.front_length = 3;
	s.dont_fragment = true;
	s.ip_id = 7;
	builds(&want, &s);

	want = (struct packet_spec){.l2 = next_hop_l2,
		BETWEEN("2001:db8::1", 50000, "2001:db8::2", 6000),
		.front = "000102030405060708",
		.flow_label = 0xabcde};
	s = send6(0);
	memcpy(s.l2, next_hop_l2, 12);
	s.flow_label = 0xabcde;
	builds(&want, &s);
}

Test(build, a_datagram_made_from_nothing_has_the_ttl_and_tos_that_are_asked_for)
{
	struct packet_spec want = {.l2 = next_hop_l2,
		BETWEEN("203.0.113.1", 50000, "203.0.113.2", 6000),
		.front = "000102030405060708",
		.ttl = 31,
		.tos = 0xb9,
		.id = 77};
	struct frame_send s = send4(0);

	memcpy(s.l2, next_hop_l2, 12);
	s.ttl = 31;
	s.tos = 0xb9;
	s.ip_id = 77;
	builds(&want, &s);

	want = (struct packet_spec){.l2 = next_hop_l2,
		BETWEEN("2001:db8::1", 50000, "2001:db8::2", 6000),
		.front = "000102030405060708",
		.ttl = 1,
		.tos = 0x2e,
		.flow_label = 1};
	s = send6(0);
	memcpy(s.l2, next_hop_l2, 12);
	s.ttl = 1;
	s.tos = 0x2e;
	s.flow_label = 1;
	builds(&want, &s);
}

static uint64_t state = 88172645463325252ull;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(((state >> 32) * below) >> 32);
}

// Any payload, cut anywhere, behind any front, from and to any family.
static void any_frame(void)
{
	static uint8_t data[2048], front[128];
	bool from4 = draw(2), to4 = draw(2);
	struct packet_spec p = {.fill = draw(600),
		.ttl = (uint8_t)(2 + draw(254)),
		.tos = (uint8_t)draw(256),
		.vlan = (uint16_t)draw(2),
		.trailer = draw(20),
		.udp_checksum = from4 && !draw(4) ? CHECKSUM_NONE : CHECKSUM_RIGHT};
	struct frame_send s;
	struct frame_result r;
	struct frame f, g;
	uint32_t n;

	if (from4) {
		p.source = PEER4;
		p.destination = RELAY4;
	} else {
		p.source = PEER6;
		p.destination = RELAY6;
	}
	p.source_port = (uint16_t)draw(65536);
	p.destination_port = (uint16_t)draw(65536);
	n = packet_build(bytes, &p);
	for (uint32_t i = 0; i < p.fill; i++)
		bytes[n - p.trailer - p.fill + i] = (uint8_t)draw(256);
	packet_refresh(bytes, n - p.trailer);
	frame_parse(&f, bytes, n, n, false);
	cr_assert(eq(int, f.kind, FRAME_UDP));
	s = to4 ? send4(0) : send6(0);
	s.offset = draw(p.fill + 1);
	s.length = draw(p.fill - s.offset + 1);
	s.front = front;
	s.front_length = (uint16_t)draw(49);
	s.padding = (uint8_t)draw(4);
	s.l2_length = draw(2) ? FRAME_L2_MAX : 14;
	if (s.l2_length == FRAME_L2_MAX)
		s.l2[12] = 0x81;
	for (unsigned int i = 0; i < sizeof(front); i++)
		front[i] = (uint8_t)draw(256);
	memcpy(data, bytes + f.payload + s.offset, s.length);

	cr_assert(eq(int, frame_rewrite(bytes, &f, &s, &r, NULL, NULL), 0));
	cr_assert(packet_sound(bytes + r.start, r.total));
	frame_parse(&g, bytes + r.start, r.total, r.total, false);
	cr_assert(eq(int, g.kind, FRAME_UDP));
	cr_assert(tp_endpoint_equal(&g.source, &s.source));
	cr_assert(tp_endpoint_equal(&g.destination, &s.destination));
	cr_assert(eq(int, g.ttl, p.ttl - 1));
	cr_assert(eq(int, g.tos, p.tos));
	cr_assert(eq(int, g.checksum_zero, f.checksum_zero &&to4));
	cr_assert(eq(u32, g.payload_length, s.front_length + s.length + s.padding));
	cr_assert(eq(int, memcmp(bytes + r.start + g.payload, front, s.front_length), 0));
	cr_assert(eq(int, memcmp(bytes + r.start + g.payload + s.front_length, data, s.length), 0));
}

Test(rewrite, any_frame_gives_back_its_data_behind_right_headers)
{
	for (int i = 0; i < 20000; i++)
		any_frame();
}
