// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// ICMP errors of ours. Quoted is the frame as it arrived, as much as fits: 576 bytes of IPv4 (RFC 1812
// section 4.3.2.3), 1280 of IPv6 (RFC 4443 section 2.4 (c)).

#include "header.h"

#define IP4_ERROR_MAX 576u
#define IP4_ERROR_TOS 0xc0u // internetwork control (RFC 1812 section 4.3.2.5)

// RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e): to no group, about nothing that was sent to a group, and
// not about errors or fragments.
static bool may_answer(const struct frame *f, const uint8_t *data, const struct tp_ip *from)
{
	uint8_t first = f->destination.ip.b[12];

	if (f->kind != FRAME_UDP || (data[0] & 1) || (data[6] & 1) ||
		tp_ip_is4(from) != (f->family == TP_IPV4))
		return false;
	return f->family == TP_IPV4 ? first < 224 : f->destination.ip.b[0] != 0xff;
}

static void put_icmp4(uint8_t *b, enum frame_error what, uint16_t mtu)
{
	b[0] = what == FRAME_TOO_BIG ? TP_ICMP_UNREACHABLE : TP_ICMP_TIME_EXCEEDED;
	b[1] = what == FRAME_TOO_BIG ? TP_ICMP_FRAGMENTATION_NEEDED : 0;
	// RFC 1191 section 4: the MTU is in the low half.
	tp_put32(b + TP_ICMP_DATA, what == FRAME_TOO_BIG ? mtu : 0);
}

static void put_icmp6(uint8_t *b, enum frame_error what, uint16_t mtu)
{
	b[0] = what == FRAME_TOO_BIG ? TP_ICMP6_TOO_BIG : TP_ICMP6_TIME_EXCEEDED;
	b[1] = 0;
	tp_put32(b + TP_ICMP_DATA, what == FRAME_TOO_BIG ? mtu : 0);
}

static void put_icmp(uint8_t *b, enum frame_error what, uint16_t mtu, const struct tp_ip_fields *ip)
{
	bool ip4 = ip->protocol == TP_PROTO_ICMP;
	uint64_t sum = 0;
	uint16_t checksum = 0;

	if (ip4)
		put_icmp4(b, what, mtu);
	else
		put_icmp6(b, what, mtu);
	memcpy(b + TP_ICMP_CHECKSUM, &checksum, sizeof(checksum));
	if (!ip4)
		sum = tp_sum_ip(ip->source, false) + tp_sum_ip(ip->destination, false) +
		      tp_sum_field(ip->length) + tp_sum_field(ip->protocol);
	checksum = tp_checksum(sum + sum_bytes(b, ip->length));
	memcpy(b + TP_ICMP_CHECKSUM, &checksum, sizeof(checksum));
}

uint32_t frame_make_error(uint8_t *out, enum frame_error what, const uint8_t *data, uint32_t length,
	const struct frame *f, const struct tp_ip *from, uint16_t mtu)
{
	bool ip4 = f->family == TP_IPV4;
	uint32_t header = tp_ip_header_length(ip4);
	uint32_t quote = f->payload + f->payload_length;
	uint32_t room = (ip4 ? IP4_ERROR_MAX : TP_IP6_MTU_MIN) - header - TP_ICMP_HEADER;
	uint8_t l2[FRAME_L2_MAX];
	struct tp_ip_fields ip = {
		.source = from,
		.destination = &f->source.ip,
		.protocol = ip4 ? TP_PROTO_ICMP : TP_PROTO_ICMP6,
		.tos = ip4 ? IP4_ERROR_TOS : 0,
		.ttl = TP_TTL_DEFAULT,
		.dont_fragment = true,
	};

	if (!may_answer(f, data, from))
		return 0;
	quote = (quote < length ? quote : length) - f->l2_length;
	if (quote > room)
		quote = room;
	ip.length = TP_ICMP_HEADER + quote;
	memcpy(l2, data, f->l2_length);
	memcpy(l2, data + 6, 6);
	memcpy(l2 + 6, data, 6);
	put_l2(out, l2, f->l2_length, ip4);
	put_ip(out + f->l2_length, ip4, &ip);
	memcpy(out + f->l2_length + header + TP_ICMP_HEADER, data + f->l2_length, quote);
	put_icmp(out + f->l2_length + header, what, mtu, &ip);
	return f->l2_length + header + ip.length;
}
