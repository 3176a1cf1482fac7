// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Ethernet, IP, UDP and ICMP on the wire, and the rules by which a relayed datagram's headers come from
// those that arrived. Compiles for BPF: whatever relays whole frames shares these, so a rule is written
// once.
#pragma once

#include <turnpike/addr.h>

// Ethernet II; one IEEE 802.1Q tag at most: destination, source, [tag,] EtherType.
#define TP_ETHERNET_HEADER 14u
#define TP_VLAN_TAG 4u
#define TP_ETHERTYPE_IP4 0x0800u
#define TP_ETHERTYPE_VLAN 0x8100u
#define TP_ETHERTYPE_IP6 0x86ddu

// IPv4 (RFC 791 section 3.1): bytes without options, and where a field is.
#define TP_IP4_HEADER 20u
#define TP_IP4_TOS 1u // DSCP and ECN
#define TP_IP4_LENGTH 2u // header included
#define TP_IP4_ID 4u
#define TP_IP4_FRAGMENT 6u // flags and offset
#define TP_IP4_TTL 8u
#define TP_IP4_PROTOCOL 9u
#define TP_IP4_CHECKSUM 10u
#define TP_IP4_SOURCE 12u
#define TP_IP4_DESTINATION 16u
#define TP_IP4_DF 0x4000u
#define TP_IP4_MF 0x2000u
#define TP_IP4_OFFSET 0x1fffu // in units of 8 bytes
#define TP_IP4_MTU_MIN 68u // RFC 791 section 3.2

// IPv6 (RFC 8200 section 3).
#define TP_IP6_HEADER 40u
#define TP_IP6_LENGTH 4u // of what follows the header
#define TP_IP6_NEXT 6u
#define TP_IP6_HOP_LIMIT 7u
#define TP_IP6_SOURCE 8u
#define TP_IP6_DESTINATION 24u
#define TP_IP6_FRAGMENT_HEADER 8u
#define TP_IP6_FLOW_LABEL 0xfffffu
#define TP_IP6_MTU_MIN 1280u // RFC 8200 section 5

// UDP (RFC 768).
#define TP_UDP_HEADER 8u
#define TP_UDP_DESTINATION 2u
#define TP_UDP_LENGTH 4u // header included
#define TP_UDP_CHECKSUM 6u

// ICMP (RFC 792) and ICMPv6 (RFC 4443), up to the datagram that an error is about.
#define TP_ICMP_HEADER 8u
#define TP_ICMP_CHECKSUM 2u
#define TP_ICMP_DATA 4u

// IANA's protocol numbers. UDP's is TP_PROTO_UDP in wire.h.
#define TP_PROTO_HOP_BY_HOP 0u
#define TP_PROTO_ICMP 1u
#define TP_PROTO_ROUTING 43u
#define TP_PROTO_FRAGMENT 44u
#define TP_PROTO_ICMP6 58u
#define TP_PROTO_DESTINATION_OPTIONS 60u

enum tp_icmp_type {
	TP_ICMP_UNREACHABLE = 3,
	TP_ICMP_TIME_EXCEEDED = 11,
	TP_ICMP_PARAMETER_PROBLEM = 12,
	TP_ICMP6_UNREACHABLE = 1,
	TP_ICMP6_TOO_BIG = 2,
	TP_ICMP6_TIME_EXCEEDED = 3,
	TP_ICMP6_PARAMETER_PROBLEM = 4,
};
#define TP_ICMP_FRAGMENTATION_NEEDED 4u // code of TP_ICMP_UNREACHABLE

#define TP_TTL_DEFAULT 64u // of datagrams that start here (RFC 1700)
// A Data indication's largest front, of an IPv6 peer: RFC 8656 section 13 subtracts it from the MTU told
// to peers.
#define TP_DATA_OVERHEAD 48u
// RFC 7915 section 5.1: an IPv4 packet of at most so many bytes, translated from IPv6, may be fragmented:
// the IPv6 sender can't be asked for less than 1280, 20 of which its header has more.
#define TP_TRANSLATED_DF_MAX 1260u

// Bytes in memory order, at any alignment.
#ifdef __bpf__
// clang would take them apart: for BPF it believes in alignment alone. The kernel loads and stores packets'
// words whole wherever the machine can.
#define TP_LOAD(type, b) (*(const type *)(const void *)(b))
#define TP_STORE(type, b, v) (*(type *)(void *)(b) = (v))
#else
#define TP_LOAD(type, b) \
	({ \
		type tp_word; \
		__builtin_memcpy(&tp_word, b, sizeof(tp_word)); \
		tp_word; \
	})
#define TP_STORE(type, b, v) \
	({ \
		type tp_word = (v); \
		__builtin_memcpy(b, &tp_word, sizeof(tp_word)); \
	})
#endif

static inline uint16_t tp_load16(const uint8_t *b)
{
	return TP_LOAD(uint16_t, b);
}

static inline uint32_t tp_load32(const uint8_t *b)
{
	return TP_LOAD(uint32_t, b);
}

static inline void tp_store16(uint8_t *b, uint16_t v)
{
	TP_STORE(uint16_t, b, v);
}

static inline void tp_store32(uint8_t *b, uint32_t v)
{
	TP_STORE(uint32_t, b, v);
}

static inline struct tp_ip tp_load_ip6(const uint8_t *b)
{
	struct tp_ip ip = {.q = {TP_LOAD(uint64_t, b), TP_LOAD(uint64_t, b + 8)}};

	return ip;
}

static inline void tp_store_ip6(uint8_t *b, const struct tp_ip *ip)
{
	TP_STORE(uint64_t, b, ip->q[0]);
	TP_STORE(uint64_t, b + 8, ip->q[1]);
}

// Host byte order.
static inline uint16_t tp_get16(const uint8_t *b)
{
	return TP_BE16(tp_load16(b));
}

static inline uint32_t tp_get32(const uint8_t *b)
{
	return TP_BE32(tp_load32(b));
}

static inline void tp_put16(uint8_t *b, uint32_t host)
{
	tp_store16(b, TP_BE16((uint16_t)host));
}

static inline void tp_put32(uint8_t *b, uint32_t host)
{
	tp_store32(b, TP_BE32(host));
}

// Sources that no datagram on a wire has (RFC 1122 section 3.2.1.3). `be` is in network byte order.
static inline bool tp_impossible4(uint32_t be)
{
	uint32_t ip = TP_BE32(be);

	return ip >> 24 == 127 || ip >> 28 == 14 || ip == 0xffffffff;
}

// Unspecified, loopback, IPv4-compatible, IPv4-mapped, and what else ::/64 may hold; multicast (RFC 4291
// section 2.7).
static inline bool tp_impossible6(const struct tp_ip *ip)
{
	return !ip->q[0] || ip->b[0] == 0xff;
}

// Checksums (RFC 1071): sums modulo 0xffff of 16-bit words in memory order, whatever the host's is
// (section 2 (B)), gathered in 64 bits. A 32-bit word counts as its two halves, since 2^16 is 1.

// What to add so that what was summed counts no more (RFC 1624 section 3, equation 3). Of a sum below 2^48:
// 0xffff and its multiples are nothing.
static inline uint64_t tp_sum_less(uint64_t sum)
{
	return ((uint64_t)0xffff << 32) - sum;
}

// 16 bits of it: halves are added by adding the whole to itself turned round, so that what is carried out
// comes in again. Nothing but a sum of nothing becomes 0.
static inline uint32_t tp_sum_fold(uint64_t sum)
{
	uint32_t half;

	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return half >> 16;
}

// An address in a pseudo header. `ip4`: a mapped one's prefix is not in it; it would change nothing, being 0
// and 0xffff.
static inline uint64_t tp_sum_ip(const struct tp_ip *ip, bool ip4)
{
	return ip4 ? ip->w[3] : (uint64_t)ip->w[0] + ip->w[1] + ip->w[2] + ip->w[3];
}

// A field in host byte order.
static inline uint64_t tp_sum_field(uint32_t host)
{
	return TP_BE16((uint16_t)host);
}

// The checksum to send for a sum. UDP: one that comes out as 0 is sent as 0xffff (RFC 768), 0 says "none".
static inline uint16_t tp_checksum(uint64_t sum)
{
	return (uint16_t)~tp_sum_fold(sum);
}

static inline uint16_t tp_udp_checksum(uint64_t sum)
{
	uint16_t checksum = tp_checksum(sum);

	return checksum ? checksum : 0xffffu;
}

// IPv6's first word, host byte order. Traffic class and TOS are the same 8 bits, DSCP and ECN, and are
// copied whichever way they go (RFC 8656 sections 13 and 14, RFC 7915 sections 4.1 and 5.1).
static inline uint32_t tp_ip6_first_word(uint8_t tos, uint32_t flow_label)
{
	return 6u << 28 | (uint32_t)tos << 20 | (flow_label & TP_IP6_FLOW_LABEL);
}

static inline uint8_t tp_ip6_tos(uint32_t first_word)
{
	return (uint8_t)(first_word >> 20);
}

// Whether a relayed datagram must not be fragmented; towards IPv4 that is the header's DF. `arrived`: the
// IPv4 DF on arrival, or that an IPv6 datagram arrived in one piece. `asked`: DONT-FRAGMENT (RFC 8656
// section 14), ignored where IPv6 is involved (section 13). `length`: the outgoing packet's.
static inline bool tp_dont_fragment(bool from4, bool to4, bool arrived, bool asked, uint32_t length)
{
	if (!from4 && to4)
		return arrived && length > TP_TRANSLATED_DF_MAX;
	return arrived || (asked && from4 && to4);
}

// The MTU to tell the sender of a datagram that was too big for the next hop's (RFC 8656 section 13, RFC
// 7915 sections 4.1 and 5.1): 20 bytes less or more where the families differ, and 48 less if the sender is
// a peer. Never less than a sender listens to (RFC 8201 section 4).
static inline uint16_t tp_mtu_told(uint16_t mtu, bool from4, bool to4, bool to_client)
{
	uint32_t less = (to_client ? TP_DATA_OVERHEAD : 0) +
			(to4 ? 0 : TP_IP6_HEADER - TP_IP4_HEADER);
	uint32_t told = mtu + (from4 ? 0 : TP_IP6_HEADER - TP_IP4_HEADER);
	uint32_t least = from4 ? TP_IP4_MTU_MIN : TP_IP6_MTU_MIN;

	told = told < least + less ? least : told - less;
	return told > 0xffffu ? 0xffffu : (uint16_t)told;
}
