// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What a frame is. Nearly all are IPv4 or IPv6 with nothing but UDP in it: those are taken by a few
// comparisons, and only what they do not fit is looked at one thing after the other.

#include "plain.h"

#define EXTENSIONS_MAX 8u // IPv6 extension headers that are followed

#define IP4_END_OF_OPTIONS 0u
#define IP4_NOP 1u
#define IP4_LOOSE_ROUTE 131u
#define IP4_STRICT_ROUTE 137u

static ALWAYS_INLINE void read_ip4(struct frame *f, const uint8_t *ip)
{
	f->family = TP_IPV4;
	f->tos = ip[TP_IP4_TOS];
	f->ttl = ip[TP_IP4_TTL];
	f->dont_fragment = ip[TP_IP4_FRAGMENT] & TP_IP4_DF >> 8;
	f->source.ip = tp_ip4(tp_load32(ip + TP_IP4_SOURCE));
	f->destination.ip = tp_ip4(tp_load32(ip + TP_IP4_DESTINATION));
}

static ALWAYS_INLINE void read_ip6(struct frame *f, const uint8_t *ip)
{
	f->family = TP_IPV6;
	f->tos = tp_ip6_tos(tp_get32(ip));
	f->ttl = ip[TP_IP6_HOP_LIMIT];
	f->dont_fragment = true;
	memcpy(&f->source.ip, ip + TP_IP6_SOURCE, sizeof(f->source.ip));
	memcpy(&f->destination.ip, ip + TP_IP6_DESTINATION, sizeof(f->destination.ip));
}

// UDP's header at f->l4, of which the IP length covers `available` bytes. Addresses have been read. False:
// impossible.
static ALWAYS_INLINE bool read_udp(
	struct frame *f, const uint8_t *udp, uint32_t available, bool ip4)
{
	uint32_t length = tp_get16(udp + TP_UDP_LENGTH);
	uint32_t checksum = tp_load16(udp + TP_UDP_CHECKSUM);
	uint64_t headers = tp_sum_ip(&f->source.ip, ip4) + tp_sum_ip(&f->destination.ip, ip4) +
			   tp_load32(udp) + 2 * tp_sum_field(length) + tp_sum_field(TP_PROTO_UDP);

	f->payload = (uint16_t)(f->l4 + TP_UDP_HEADER);
	f->payload_length = length - TP_UDP_HEADER;
	f->checksum_zero = !checksum;
	f->payload_sum = tp_sum_less(headers + checksum);
	put_port(&f->source, tp_get16(udp));
	put_port(&f->destination, tp_get16(udp + TP_UDP_DESTINATION));
	return length >= TP_UDP_HEADER && length <= available;
}

// Fragments and ICMP have none.
static void no_ports(struct frame *f)
{
	put_port(&f->source, 0);
	put_port(&f->destination, 0);
}

// RFC 791 section 3.1.
static bool sound_ip4(const uint8_t *ip, uint32_t header)
{
	return tp_sum_fold(sum_bytes(ip, header)) == 0xffff;
}

// IPv6 with nothing but UDP in it, all well. False: anything else.
static ALWAYS_INLINE bool take_ip6(struct frame *f, const uint8_t *data, uint32_t total)
{
	const uint8_t *ip = data + TP_ETHERNET_HEADER;
	uint32_t length = tp_get16(ip + TP_IP6_LENGTH);

	if (ip[TP_IP6_NEXT] != TP_PROTO_UDP || length > total - TP_ETHERNET_HEADER - TP_IP6_HEADER)
		return false;
	f->kind = FRAME_UDP;
	f->l2_length = TP_ETHERNET_HEADER;
	f->l4 = TP_ETHERNET_HEADER + TP_IP6_HEADER;
	read_ip6(f, ip);
	return read_udp(f, ip + TP_IP6_HEADER, length, false) && !f->checksum_zero &&
	       !tp_impossible6(&f->source.ip) && !tp_impossible6(&f->destination.ip);
}

// A source route that has hops left (RFC 791 section 3.1), or options that can't be read.
static bool routed_on(const uint8_t *option, uint32_t length)
{
	while (length && option[0] != IP4_END_OF_OPTIONS) {
		uint32_t size = 1;

		if (option[0] != IP4_NOP) {
			if (length < 2 || option[1] < 2 || option[1] > length)
				return true;
			size = option[1];
			if ((option[0] == IP4_LOOSE_ROUTE || option[0] == IP4_STRICT_ROUTE) &&
				(size < 3 || option[2] < size))
				return true;
		}
		option += size;
		length -= size;
	}
	return false;
}

// Behind whatever extension headers there were: UDP, ICMP or another's. `available`: what the IP length
// covers from f->l4 on; `room`: what can be read from there.
static uint8_t read_transport(
	struct frame *f, const uint8_t *l4, uint8_t protocol, uint32_t available, uint32_t room)
{
	if (available < TP_UDP_HEADER || room < TP_UDP_HEADER)
		return FRAME_MALFORMED;
	if (protocol == TP_PROTO_UDP) {
		if (!read_udp(f, l4, available, f->family == TP_IPV4) ||
			(f->checksum_zero && f->family == TP_IPV6))
			return FRAME_MALFORMED;
		return FRAME_UDP;
	}
	f->payload = (uint16_t)(f->l4 + TP_ICMP_HEADER);
	f->payload_length = available - TP_ICMP_HEADER;
	return icmp_about_udp(f, l4, available < room ? available : room) ? FRAME_ICMP_ERROR
									  : FRAME_OTHER;
}

static uint8_t parse_ip4(
	struct frame *f, const uint8_t *ip, uint32_t length, uint32_t total, bool checked)
{
	uint32_t header, covered;

	if (length < TP_IP4_HEADER || ip[0] >> 4 != 4)
		return FRAME_MALFORMED;
	if (ip[TP_IP4_PROTOCOL] != TP_PROTO_UDP && ip[TP_IP4_PROTOCOL] != TP_PROTO_ICMP)
		return FRAME_OTHER;
	header = (ip[0] & 15u) * 4;
	covered = tp_get16(ip + TP_IP4_LENGTH);
	if (header < TP_IP4_HEADER || header > length || covered < header || covered > total ||
		(!checked && !sound_ip4(ip, header)))
		return FRAME_MALFORMED;
	read_ip4(f, ip);
	// 0.0.0.0/8 is a host that asks who it is (DHCP): the kernel's.
	if (!ip[TP_IP4_SOURCE])
		return FRAME_OTHER;
	if (tp_impossible4(f->source.ip.w[3]))
		return FRAME_MALFORMED;
	if (routed_on(ip + TP_IP4_HEADER, header - TP_IP4_HEADER))
		return FRAME_OTHER;
	f->l4 = (uint16_t)(f->l2_length + header);
	no_ports(f);
	if (tp_get16(ip + TP_IP4_FRAGMENT) & (TP_IP4_MF | TP_IP4_OFFSET))
		return FRAME_FRAGMENT;
	return read_transport(
		f, ip + header, ip[TP_IP4_PROTOCOL], covered - header, length - header);
}

static uint8_t parse_ip6(struct frame *f, const uint8_t *ip, uint32_t length, uint32_t total)
{
	struct ip6_walk walk = {.limit = length};
	uint32_t covered;
	uint8_t kind;

	if (length < TP_IP6_HEADER || ip[0] >> 4 != 6)
		return FRAME_MALFORMED;
	covered = TP_IP6_HEADER + tp_get16(ip + TP_IP6_LENGTH);
	if (covered < walk.limit)
		walk.limit = covered;
	kind = ip6_walk(&walk, ip);
	if (kind == FRAME_OTHER || kind == FRAME_MALFORMED)
		return kind;
	if (covered > total)
		return FRAME_MALFORMED;
	read_ip6(f, ip);
	f->dont_fragment = !walk.fragment;
	if (tp_impossible6(&f->source.ip) || tp_impossible6(&f->destination.ip))
		return FRAME_MALFORMED;
	f->l4 = (uint16_t)(f->l2_length + walk.at);
	no_ports(f);
	if (kind == FRAME_FRAGMENT)
		return kind;
	return read_transport(
		f, ip + walk.at, walk.protocol, covered - walk.at, walk.limit - walk.at);
}

uint8_t ip6_walk(struct ip6_walk *w, const uint8_t *ip)
{
	w->protocol = ip[TP_IP6_NEXT];
	w->at = TP_IP6_HEADER;
	for (unsigned int i = 0; i < EXTENSIONS_MAX; i++) {
		const uint8_t *extension = ip + w->at;
		uint32_t size;

		if (w->protocol == TP_PROTO_UDP || w->protocol == TP_PROTO_ICMP6)
			return FRAME_UDP;
		if (w->protocol != TP_PROTO_HOP_BY_HOP && w->protocol != TP_PROTO_ROUTING &&
			w->protocol != TP_PROTO_FRAGMENT &&
			w->protocol != TP_PROTO_DESTINATION_OPTIONS)
			return FRAME_OTHER;
		if (w->limit - w->at < 8)
			return FRAME_MALFORMED;
		size = 8;
		if (w->protocol == TP_PROTO_FRAGMENT) {
			w->fragment = true;
			// One that is the whole datagram is no fragment (RFC 6946 section 4).
			if (tp_get16(extension + 2) & 0xfff9)
				return FRAME_FRAGMENT;
		} else {
			size += extension[1] * 8u;
			if (w->limit - w->at < size)
				return FRAME_MALFORMED;
			if (w->protocol == TP_PROTO_ROUTING && extension[3])
				return FRAME_OTHER;
		}
		w->protocol = extension[0];
		w->at += size;
	}
	return FRAME_OTHER;
}

static NEVER_INLINE void parse_any(
	struct frame *f, const uint8_t *data, uint32_t length, uint32_t total, bool checked)
{
	uint32_t l2 = TP_ETHERNET_HEADER;
	uint32_t type;

	f->kind = FRAME_OTHER;
	if (length < l2)
		return;
	type = tp_get16(data + l2 - 2);
	if (type == TP_ETHERTYPE_VLAN) {
		l2 += TP_VLAN_TAG;
		if (length < l2)
			return;
		type = tp_get16(data + l2 - 2);
	}
	f->l2_length = (uint8_t)l2;
	if (type == TP_ETHERTYPE_IP4)
		f->kind = parse_ip4(f, data + l2, length - l2, total - l2, checked);
	else if (type == TP_ETHERTYPE_IP6)
		f->kind = parse_ip6(f, data + l2, length - l2, total - l2);
}

void frame_parse(
	struct frame *f, const uint8_t *data, uint32_t length, uint32_t total, bool checked)
{
	if (plain_is(data, length, total, checked)) {
		plain_parse(f, data);
		return;
	}
	f->plain = false;
	// EtherType and version.
	if (length >= TP_ETHERNET_HEADER + TP_IP6_HEADER + TP_UDP_HEADER &&
		tp_get32(data + TP_ETHERNET_HEADER - 2) >> 12 == (TP_ETHERTYPE_IP6 << 4 | 6) &&
		take_ip6(f, data, total))
		return;
	parse_any(f, data, length, total, checked);
}
