// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Writing headers that are ours.
#pragma once

#include <turnpike/wire.h>

#include "checksum.h"
#include "frame.h"

// What an IP header of ours says.
struct ip_fields {
	const struct tp_ip *source;
	const struct tp_ip *destination;
	uint32_t length; // of what follows the header
	uint32_t flow_label; // IPv6
	uint16_t id; // IPv4, where the packet may be fragmented
	uint8_t protocol;
	uint8_t tos;
	uint8_t ttl;
	bool dont_fragment; // IPv4
};

static ALWAYS_INLINE uint32_t ip_header_length(bool ip4)
{
	return ip4 ? TP_IP4_HEADER : TP_IP6_HEADER;
}

// IPv4 without options. An ID means something only where a packet may be fragmented (RFC 6864 section 4).
static ALWAYS_INLINE void put_ip4(uint8_t *b, const struct ip_fields *ip)
{
	uint32_t first = TP_BE32(4u << 28 | (TP_IP4_HEADER / 4) << 24 | (uint32_t)ip->tos << 16 |
				 (TP_IP4_HEADER + ip->length));
	uint32_t second = TP_BE32(ip->dont_fragment ? TP_IP4_DF : (uint32_t)ip->id << 16);
	uint32_t third = TP_BE32((uint32_t)ip->ttl << 24 | (uint32_t)ip->protocol << 16);
	uint32_t source = ip->source->w[3], destination = ip->destination->w[3];
	uint16_t checksum = tp_checksum((uint64_t)first + second + third + source + destination);

	memcpy(b, &first, 4);
	memcpy(b + TP_IP4_ID, &second, 4);
	memcpy(b + TP_IP4_TTL, &third, 4);
	memcpy(b + TP_IP4_CHECKSUM, &checksum, 2);
	memcpy(b + TP_IP4_SOURCE, &source, 4);
	memcpy(b + TP_IP4_DESTINATION, &destination, 4);
}

static ALWAYS_INLINE void put_ip6(uint8_t *b, const struct ip_fields *ip)
{
	tp_put32(b, tp_ip6_first_word(ip->tos, ip->flow_label));
	tp_put32(b + TP_IP6_LENGTH, ip->length << 16 | (uint32_t)ip->protocol << 8 | ip->ttl);
	memcpy(b + TP_IP6_SOURCE, ip->source, 16);
	memcpy(b + TP_IP6_DESTINATION, ip->destination, 16);
}

static ALWAYS_INLINE void put_ip(uint8_t *b, bool ip4, const struct ip_fields *ip)
{
	if (ip4)
		put_ip4(b, ip);
	else
		put_ip6(b, ip);
}

// The link layer's header, with the EtherType of what follows it.
static ALWAYS_INLINE void put_l2(uint8_t *b, const uint8_t *l2, uint32_t length, bool ip4)
{
	memcpy(b, l2, TP_ETHERNET_HEADER - 2);
	if (length == FRAME_L2_MAX)
		memcpy(b + TP_ETHERNET_HEADER - 2, l2 + TP_ETHERNET_HEADER - 2, TP_VLAN_TAG);
	tp_put16(b + length - 2, ip4 ? TP_ETHERTYPE_IP4 : TP_ETHERTYPE_IP6);
}

// As they stand in the header, network byte order.
static ALWAYS_INLINE uint32_t udp_ports(
	const struct tp_endpoint *source, const struct tp_endpoint *destination)
{
	return TP_BE32((uint32_t)source->port << 16 | destination->port);
}

// `checksum` in network byte order.
static ALWAYS_INLINE void put_udp(uint8_t *b, const struct tp_endpoint *source,
	const struct tp_endpoint *destination, uint32_t length, uint16_t checksum)
{
	uint32_t ports = udp_ports(source, destination);

	memcpy(b, &ports, 4);
	tp_put16(b + TP_UDP_LENGTH, length);
	memcpy(b + TP_UDP_CHECKSUM, &checksum, 2);
}

// What a UDP checksum covers besides the payload: pseudo header (RFC 768, RFC 8200 section 8.1), ports and
// length.
static ALWAYS_INLINE uint64_t sum_udp_headers(const struct tp_endpoint *source,
	const struct tp_endpoint *destination, bool ip4, uint32_t length)
{
	return tp_sum_ip(&source->ip, ip4) + tp_sum_ip(&destination->ip, ip4) +
	       udp_ports(source, destination) + 2 * tp_sum_field(length) +
	       tp_sum_field(TP_PROTO_UDP);
}
