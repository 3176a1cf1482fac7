// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Addresses as every process, table and record holds them. Compiles for BPF.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// An IP address in network byte order. IPv4 is held IPv4-mapped (::ffff:a.b.c.d, RFC 4291
// section 2.5.5.2), so one type and one comparison serve both families. A *real* IPv4-mapped IPv6
// address never gets in here: the STUN parser and the sockets refuse it.
struct tp_ip {
	union {
		uint8_t b[16];
		uint32_t w[4];
		uint64_t q[2];
	};
};

// A transport address without its protocol. The port is in host byte order, as everywhere but on
// the wire. 24 bytes, no hidden padding: `zero` is always 0, so that endpoints compare by memory.
struct tp_endpoint {
	struct tp_ip ip;
	uint16_t port;
	uint16_t zero[3];
};

_Static_assert(sizeof(struct tp_ip) == 16, "an address is two words");
_Static_assert(sizeof(struct tp_endpoint) == 24, "an endpoint is three words");

// STUN's and TURN's address families (RFC 8489 section 14.1, RFC 8656 section 18.6).
enum tp_family {
	TP_IPV4 = 1,
	TP_IPV6 = 2,
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TP_IP_MAPPED_PREFIX 0xffff0000u
#define TP_IP_MAPPED_WORD(be) ((uint64_t)(be) << 32 | TP_IP_MAPPED_PREFIX)
#define TP_BE16(x) __builtin_bswap16(x)
#define TP_BE32(x) __builtin_bswap32(x)
#define TP_BE64(x) __builtin_bswap64(x)
#else
#define TP_IP_MAPPED_PREFIX 0x0000ffffu
#define TP_IP_MAPPED_WORD(be) ((uint64_t)TP_IP_MAPPED_PREFIX << 32 | (be))
#define TP_BE16(x) (x)
#define TP_BE32(x) (x)
#define TP_BE64(x) (x)
#endif

static inline bool tp_ip_is4(const struct tp_ip *ip)
{
	return ip->q[0] == 0 && ip->w[2] == TP_IP_MAPPED_PREFIX;
}

static inline enum tp_family tp_ip_family(const struct tp_ip *ip)
{
	return tp_ip_is4(ip) ? TP_IPV4 : TP_IPV6;
}

// `be` is the IPv4 address in network byte order, as in struct in_addr.
static inline struct tp_ip tp_ip4(uint32_t be)
{
	// Whole words: whoever copies an address that was just made must not wait for its pieces.
	struct tp_ip ip = {.q = {0, TP_IP_MAPPED_WORD(be)}};

	return ip;
}

static inline bool tp_ip_equal(const struct tp_ip *a, const struct tp_ip *b)
{
	return ((a->q[0] ^ b->q[0]) | (a->q[1] ^ b->q[1])) == 0;
}

// Whom an address stands for where somebody is to be counted or limited: itself, or its /64 of IPv6, of
// which one host has all addresses.
static inline struct tp_ip tp_ip_party(const struct tp_ip *ip)
{
	struct tp_ip party = *ip;

	if (!tp_ip_is4(ip))
		party.q[1] = 0;
	return party;
}

// The network that an address is taken to be of where whole networks are limited: its IPv4 /24, its IPv6 /48.
static inline struct tp_ip tp_ip_network(const struct tp_ip *ip)
{
	struct tp_ip network = *ip;

	if (tp_ip_is4(ip))
		network.b[15] = 0;
	else
		network = (struct tp_ip){.w = {ip->w[0], ip->w[1] & TP_BE32(0xffff0000u)}};
	return network;
}

static inline bool tp_endpoint_equal(const struct tp_endpoint *a, const struct tp_endpoint *b)
{
	return tp_ip_equal(&a->ip, &b->ip) && a->port == b->port;
}
