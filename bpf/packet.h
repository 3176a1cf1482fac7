// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// Recognising what is ours and plain: a whole UDP datagram in IP without options or extension headers, in
// untagged Ethernet, to an address and port of ours.
#pragma once

#include <turnpike/header.h>

#include "maps.h"

// Where the UDP payload begins in a plain frame.
#define PAYLOAD_AT(ip4) \
	(TP_ETHERNET_HEADER + ((ip4) ? TP_IP4_HEADER : TP_IP6_HEADER) + TP_UDP_HEADER)

struct packet {
	struct tp_ip source;
	uint64_t
		sum; // of the payload, as the datagram's checksum says; nothing where there is none
	uint32_t length; // of the payload
	uint32_t frame; // bytes of the whole frame
	uint32_t index; // of the server or relay address it came to
	uint16_t source_port;
	uint16_t port; // it came to
	uint8_t tos;
	uint8_t ttl;
	bool dont_fragment;
	bool checksum_zero;
	bool partial; // the checksum covers the pseudo header alone
};

enum whose {
	NOBODYS, // not ours, or not plain: the kernel's
	SERVERS, // from a client
	RELAYS, // from a peer
	MALFORMED, // ours, with lengths, header checksum or addresses that can't be
};

static TP_ALWAYS_INLINE enum whose whose(const struct tp_ip *ip, uint16_t port, uint32_t *index)
{
	uint32_t next = config.slot[xdp_slot(ip) % XDP_SLOTS];

#pragma clang loop unroll(disable)
	for (uint32_t i = 0; i < XDP_CHAIN_MAX && next; i++) {
		const volatile struct xdp_address *a =
			&config.address[(next - 1) % XDP_ADDRESSES_MAX];

		if (a->ip.q[0] == ip->q[0] && a->ip.q[1] == ip->q[1]) {
			*index = a->index;
			if (a->port == port)
				return SERVERS;
			if (!a->port && port >= config.port_min && port <= config.port_max)
				return RELAYS;
		}
		next = a->next;
	}
	return NOBODYS;
}

// Whether an address is one of ours as packets name it: no source of what comes by the wire. Global, so that the
// verifier looks at its loop once.
__attribute__((noinline)) int is_ours(uint64_t ip0, uint64_t ip1)
{
	const struct tp_ip ip = {.q = {ip0, ip1}};
	uint32_t next = config.slot[xdp_slot(&ip) % XDP_SLOTS];

#pragma clang loop unroll(disable)
	for (uint32_t i = 0; i < XDP_CHAIN_MAX && next; i++) {
		const volatile struct xdp_address *a =
			&config.address[(next - 1) % XDP_ADDRESSES_MAX];

		if (a->ip.q[0] == ip0 && a->ip.q[1] == ip1)
			return 1;
		next = a->next;
	}
	return 0;
}

// `available`: what the IP length covers of UDP. False: impossible lengths.
static TP_ALWAYS_INLINE bool read_udp(
	struct packet *p, const uint8_t *udp, uint32_t available, uint64_t sum_addresses)
{
	uint32_t length = tp_get16(udp + TP_UDP_LENGTH);
	uint32_t checksum = tp_load16(udp + TP_UDP_CHECKSUM);

	p->length = length - TP_UDP_HEADER;
	p->checksum_zero = !checksum;
	// One in 65,535 whole ones looks like that too; none at all (0) is no sum of anything.
	p->partial = config.partial && tp_sum_fold(sum_addresses + tp_sum_field(length) +
						   tp_sum_field(TP_PROTO_UDP)) == checksum;
	p->sum = tp_sum_less(sum_addresses + tp_load32(udp) + checksum + 2 * tp_sum_field(length) +
			     tp_sum_field(TP_PROTO_UDP));
	p->source_port = tp_get16(udp);
	return length >= TP_UDP_HEADER && length <= available;
}

static TP_ALWAYS_INLINE enum whose read_packet4(
	struct packet *p, const uint8_t *data, const uint8_t *end)
{
	const uint8_t *ip = data + TP_ETHERNET_HEADER;
	const uint8_t *udp = ip + TP_IP4_HEADER;
	uint32_t source, destination, length;
	struct tp_ip to;
	enum whose is;

	if (data + PAYLOAD_AT(true) > end || ip[0] != (4 << 4 | TP_IP4_HEADER / 4) ||
		ip[TP_IP4_PROTOCOL] != TP_PROTO_UDP ||
		tp_load16(ip + TP_IP4_FRAGMENT) & TP_BE16(TP_IP4_MF | TP_IP4_OFFSET))
		return NOBODYS;
	source = tp_load32(ip + TP_IP4_SOURCE);
	destination = tp_load32(ip + TP_IP4_DESTINATION);
	to = tp_ip4(destination);
	p->port = tp_get16(udp + TP_UDP_DESTINATION);
	is = whose(&to, p->port, &p->index);
	if (is == NOBODYS)
		return NOBODYS;
	length = tp_get16(ip + TP_IP4_LENGTH);
	if (length > (uint64_t)(end - ip) || length < TP_IP4_HEADER + TP_UDP_HEADER ||
		tp_sum_fold((uint64_t)tp_load32(ip) + tp_load32(ip + TP_IP4_ID) +
			    tp_load32(ip + TP_IP4_TTL) + source + destination) != 0xffff ||
		tp_impossible4(source) ||
		!read_udp(p, udp, length - TP_IP4_HEADER, (uint64_t)source + destination))
		return MALFORMED;
	// 0.0.0.0/8 is a host that asks who it is.
	if (!ip[TP_IP4_SOURCE])
		return NOBODYS;
	p->source = tp_ip4(source);
	p->frame = (uint32_t)(end - data);
	p->tos = ip[TP_IP4_TOS];
	p->ttl = ip[TP_IP4_TTL];
	p->dont_fragment = ip[TP_IP4_FRAGMENT] & TP_IP4_DF >> 8;
	return is;
}

static TP_ALWAYS_INLINE enum whose read_packet6(
	struct packet *p, const uint8_t *data, const uint8_t *end)
{
	const uint8_t *ip = data + TP_ETHERNET_HEADER;
	const uint8_t *udp = ip + TP_IP6_HEADER;
	struct tp_ip to;
	uint32_t length;
	enum whose is;

	if (data + PAYLOAD_AT(false) > end || ip[0] >> 4 != 6 || ip[TP_IP6_NEXT] != TP_PROTO_UDP)
		return NOBODYS;
	to = tp_load_ip6(ip + TP_IP6_DESTINATION);
	p->port = tp_get16(udp + TP_UDP_DESTINATION);
	is = whose(&to, p->port, &p->index);
	if (is == NOBODYS)
		return NOBODYS;
	p->source = tp_load_ip6(ip + TP_IP6_SOURCE);
	length = tp_get16(ip + TP_IP6_LENGTH);
	if (TP_IP6_HEADER + length > (uint64_t)(end - ip) || tp_impossible6(&p->source) ||
		tp_impossible6(&to) ||
		!read_udp(p, udp, length, tp_sum_ip(&p->source, false) + tp_sum_ip(&to, false)) ||
		p->checksum_zero)
		return MALFORMED;
	p->frame = (uint32_t)(end - data);
	p->tos = tp_ip6_tos(tp_get32(ip));
	p->ttl = ip[TP_IP6_HOP_LIMIT];
	p->dont_fragment = true;
	return is;
}
