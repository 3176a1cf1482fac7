// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Writing IP and UDP headers that are ours. Compiles for BPF.
#pragma once

#include <turnpike/ip.h>
#include <turnpike/wire.h>

#define TP_ALWAYS_INLINE inline __attribute__((always_inline))

// What an IP header of ours says.
struct tp_ip_fields {
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

static TP_ALWAYS_INLINE uint32_t tp_ip_header_length(bool ip4)
{
	return ip4 ? TP_IP4_HEADER : TP_IP6_HEADER;
}

// IPv4 without options. An ID means something only where a packet may be fragmented (RFC 6864 section 4).
static TP_ALWAYS_INLINE void tp_put_ip4(uint8_t *b, const struct tp_ip_fields *ip)
{
	uint32_t first = TP_BE32(4u << 28 | (TP_IP4_HEADER / 4) << 24 | (uint32_t)ip->tos << 16 |
				 (TP_IP4_HEADER + ip->length));
	uint32_t second = TP_BE32(ip->dont_fragment ? TP_IP4_DF : (uint32_t)ip->id << 16);
	uint32_t third = TP_BE32((uint32_t)ip->ttl << 24 | (uint32_t)ip->protocol << 16);
	uint32_t source = ip->source->w[3], destination = ip->destination->w[3];
	uint16_t checksum = tp_checksum((uint64_t)first + second + third + source + destination);

	tp_store32(b, first);
	tp_store32(b + TP_IP4_ID, second);
	tp_store32(b + TP_IP4_TTL, third);
	tp_store16(b + TP_IP4_CHECKSUM, checksum);
	tp_store32(b + TP_IP4_SOURCE, source);
	tp_store32(b + TP_IP4_DESTINATION, destination);
}

static TP_ALWAYS_INLINE void tp_put_ip6(uint8_t *b, const struct tp_ip_fields *ip)
{
	tp_put32(b, tp_ip6_first_word(ip->tos, ip->flow_label));
	tp_put32(b + TP_IP6_LENGTH, ip->length << 16 | (uint32_t)ip->protocol << 8 | ip->ttl);
	tp_store_ip6(b + TP_IP6_SOURCE, ip->source);
	tp_store_ip6(b + TP_IP6_DESTINATION, ip->destination);
}

// As they stand in the header, network byte order.
static TP_ALWAYS_INLINE uint32_t tp_udp_ports(
	const struct tp_endpoint *source, const struct tp_endpoint *destination)
{
	return TP_BE32((uint32_t)source->port << 16 | destination->port);
}

// `ports` and `checksum` in network byte order.
static TP_ALWAYS_INLINE void tp_put_udp(
	uint8_t *b, uint32_t ports, uint32_t length, uint16_t checksum)
{
	tp_store32(b, ports);
	tp_put16(b + TP_UDP_LENGTH, length);
	tp_store16(b + TP_UDP_CHECKSUM, checksum);
}

// What a UDP checksum covers besides the payload: pseudo header (RFC 768, RFC 8200 section 8.1), ports and
// length.
static TP_ALWAYS_INLINE uint64_t tp_sum_udp_headers(const struct tp_endpoint *source,
	const struct tp_endpoint *destination, bool ip4, uint32_t length)
{
	return tp_sum_ip(&source->ip, ip4) + tp_sum_ip(&destination->ip, ip4) +
	       tp_udp_ports(source, destination) + 2 * tp_sum_field(length) +
	       tp_sum_field(TP_PROTO_UDP);
}
