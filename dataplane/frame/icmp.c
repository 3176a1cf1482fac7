// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// ICMP errors, and the datagrams that they are about (RFC 792, RFC 4443 section 3).

#include <errno.h>

#include "parse.h"

static bool is_error(bool ip4, uint8_t type)
{
	if (ip4)
		return type == TP_ICMP_UNREACHABLE || type == TP_ICMP_TIME_EXCEEDED ||
		       type == TP_ICMP_PARAMETER_PROBLEM;
	return type >= TP_ICMP6_UNREACHABLE && type <= TP_ICMP6_PARAMETER_PROBLEM;
}

// Where UDP's header is in the embedded datagram. 0: it is not UDP's first piece, or its ports are cut off.
static uint32_t embedded_udp4(const uint8_t *ip, uint32_t length)
{
	uint32_t header;

	if (length < TP_IP4_HEADER || ip[0] >> 4 != 4 || ip[TP_IP4_PROTOCOL] != TP_PROTO_UDP ||
		tp_get16(ip + TP_IP4_FRAGMENT) & TP_IP4_OFFSET)
		return 0;
	header = (ip[0] & 15u) * 4;
	return header >= TP_IP4_HEADER && length >= header + TP_UDP_HEADER ? header : 0;
}

static uint32_t embedded_udp6(const uint8_t *ip, uint32_t length)
{
	struct ip6_walk walk = {.limit = length};

	if (length < TP_IP6_HEADER || ip[0] >> 4 != 6 || ip6_walk(&walk, ip) != FRAME_UDP ||
		walk.protocol != TP_PROTO_UDP)
		return 0;
	return length - walk.at >= TP_UDP_HEADER ? walk.at : 0;
}

static uint32_t embedded_udp(bool ip4, const uint8_t *ip, uint32_t length)
{
	return ip4 ? embedded_udp4(ip, length) : embedded_udp6(ip, length);
}

bool icmp_about_udp(const struct frame *f, const uint8_t *icmp, uint32_t length)
{
	bool ip4 = f->family == TP_IPV4;

	return is_error(ip4, icmp[0]) &&
	       embedded_udp(ip4, icmp + TP_ICMP_HEADER, length - TP_ICMP_HEADER);
}

// RFC 792, RFC 4443 section 2.3.
static bool sound(const struct frame *f, const uint8_t *icmp, uint32_t length)
{
	uint64_t sum = sum_bytes(icmp, length);

	if (f->family == TP_IPV6)
		sum += tp_sum_ip(&f->source.ip, false) + tp_sum_ip(&f->destination.ip, false) +
		       tp_sum_field(length) + tp_sum_field(TP_PROTO_ICMP6);
	return tp_sum_fold(sum) == 0xffff;
}

int frame_parse_icmp(
	struct frame_icmp *out, const struct frame *f, const uint8_t *data, uint32_t length)
{
	const uint8_t *icmp = data + f->l4, *ip = data + f->payload, *udp;
	bool ip4 = f->family == TP_IPV4;
	struct tp_ip source = {}, destination = {};
	uint32_t at;

	if (f->kind != FRAME_ICMP_ERROR || f->payload + f->payload_length > length ||
		!sound(f, icmp, TP_ICMP_HEADER + f->payload_length))
		return -EBADMSG;
	at = embedded_udp(ip4, ip, f->payload_length);
	if (!at)
		return -EBADMSG;
	udp = ip + at;
	if (ip4) {
		source = tp_ip4(tp_load32(ip + TP_IP4_SOURCE));
		destination = tp_ip4(tp_load32(ip + TP_IP4_DESTINATION));
	} else {
		memcpy(&source, ip + TP_IP6_SOURCE, sizeof(source));
		memcpy(&destination, ip + TP_IP6_DESTINATION, sizeof(destination));
		// A mapped address would pass for IPv4.
		if (tp_impossible6(&source) || tp_impossible6(&destination))
			return -EBADMSG;
	}
	*out = (struct frame_icmp){
		.type = icmp[0],
		.code = icmp[1],
		.data = tp_get32(icmp + TP_ICMP_DATA),
		.source = {.ip = source, .port = tp_get16(udp)},
		.destination = {.ip = destination, .port = tp_get16(udp + TP_UDP_DESTINATION)},
	};
	return 0;
}
