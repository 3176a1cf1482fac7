// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Whole frames: what arrived, and what leaves in its place under the header rules of RFC 8656 sections 13
// to 16. Bytes in, bytes out: no I/O, no DPDK, no state. Headers move, payload doesn't.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>
#include <turnpike/counters.h>

// Bytes that must be free before a frame that is to be rewritten: Ethernet, VLAN tag and IPv6 header
// instead of Ethernet and IPv4 (4 + 20), and the longest front of a Data indication (48).
#define FRAME_HEADROOM 96u
#define FRAME_L2_MAX 18u // Ethernet with one VLAN tag

enum frame_kind {
	FRAME_UDP = 0, // a whole UDP datagram
	FRAME_FRAGMENT = 1, // a fragment of whatever; to be reassembled
	FRAME_ICMP_ERROR = 2, // an ICMP or ICMPv6 error with an embedded UDP header
	FRAME_OTHER = 3, // none of ours: the kernel's, untouched
	// UDP or ICMP in IP with impossible lengths, a wrong header checksum, or a source that none may
	// have: multicast, broadcast, loopback, IPv4-mapped or anything else in ::/64 (RFC 1122 section
	// 3.2.1.3, RFC 4291 section 2.7).
	FRAME_MALFORMED = 4,
};

// A parsed frame. Offsets are from its first byte.
struct frame {
	uint8_t kind; // enum frame_kind
	uint8_t family; // enum tp_family. FRAME_OTHER and FRAME_MALFORMED set nothing but the kind and `plain`.
	bool plain; // FRAME_UDP of the shape that plain.h is about
	uint8_t l2_length; // 14 or 18; the IP header stands there
	// UDP or ICMP header. FRAME_FRAGMENT: what stands behind the IPv4 header, or the IPv6 Fragment
	// header; ports are 0, and `payload` and what follows up to the addresses mean nothing.
	uint16_t l4;
	uint16_t payload; // UDP payload, or the datagram that an ICMP error is about
	uint8_t ttl; // or hop limit
	uint8_t tos; // or traffic class: DSCP and ECN
	// IPv4's DF. IPv6: true, unless it came with a Fragment header; who reassembles sets it to false.
	bool dont_fragment;
	bool checksum_zero; // IPv4 UDP without a checksum (IPv6: malformed)
	// By UDP's length, which the IP length covers. ICMP: of what is embedded.
	uint32_t payload_length;
	// FRAME_UDP: what its checksum says that the payload sums up to, as 16-bit words in memory order,
	// modulo 0xffff. Means nothing where there is none.
	uint64_t payload_sum;
	struct tp_endpoint source;
	struct tp_endpoint destination;
};

// Parses a frame of `total` bytes of which the first `length` are at `data`. IPv4 with options and IPv6
// with hop-by-hop, routing (segments left 0) and destination options headers are parsed through.
// `checked`: the port has verified the IPv4 header checksum. All headers must be within `length`: what can't
// be read is malformed. IPv4 with a source route that is not at its end, and IPv6 with segments left, are the
// kernel's to refuse.
void frame_parse(
	struct frame *f, const uint8_t *data, uint32_t length, uint32_t total, bool checked);

// An ICMP error that was parsed as FRAME_ICMP_ERROR: what it says, and the datagram that it is about.
struct frame_icmp {
	uint8_t type;
	uint8_t code;
	uint32_t
		data; // the header's second word, host byte order: the next hop's MTU, where it has one
	struct tp_endpoint
		source; // of the embedded datagram: one of our relayed transport addresses
	struct tp_endpoint destination; // and the peer it was sent to
};
// The message must be contiguous: its checksum is verified. Returns 0, or -EBADMSG: nothing embedded that can
// be read.
int frame_parse_icmp(
	struct frame_icmp *out, const struct frame *f, const uint8_t *data, uint32_t length);

// How a datagram leaves.
struct frame_send {
	struct tp_endpoint source;
	struct tp_endpoint destination;
	uint32_t offset; // application data in the old UDP payload: [offset, offset + length)
	uint32_t length;
	const uint8_t *front; // goes in front of it; NULL with front_length 0
	uint16_t front_length;
	uint8_t padding; // zero bytes behind it
	bool dont_fragment; // a Send indication's DONT-FRAGMENT
	uint8_t l2[FRAME_L2_MAX]; // the new link-layer header; its EtherType is overwritten
	uint8_t l2_length; // 14 or 18
	uint16_t mtu; // of the next hop: IP packets of at most so many bytes
	uint16_t ip_id; // IPv4 identification, if fragmentation is allowed (RFC 6864)
	uint32_t flow_label; // IPv6, 20 bits; 0: none
	uint8_t ttl; // frame_build() alone; 0: 64
	uint8_t tos; // frame_build() alone
};

struct frame_result {
	int32_t start; // of the new frame, relative to the old one's first byte; may be negative
	uint32_t headers; // bytes at `start` that were written: headers and front, not payload
	uint32_t total; // bytes of the new frame
	bool fragment; // it is larger than the MTU and may be fragmented: the caller's to do
	uint16_t mtu; // after -EMSGSIZE: what to tell the sender (RFC 8656 section 13)
};

// Rewrites in place. `data` is the old frame's first byte with FRAME_HEADROOM before it; the headers and
// the first offset bytes of payload must be contiguous; `padding` bytes must be free behind the data when
// it is not 0. Checks everything, then mutates. The new header has no IPv4 options and no IPv6 extension
// headers, whatever the old one had.
//
// Checksums by difference, so that a payload that was damaged on the way stays damaged. Summed are only what
// is cut off (the old front, bytes behind the data), and the whole payload for a zero IPv4 checksum that goes
// to IPv6. `sum`, for a payload in several pieces: the sum of payload bytes [offset, offset + length) as
// 16-bit words in memory order, the first byte being the first of a word; where it is given the caller also
// writes the padding. NULL: the payload is contiguous.
//
// Returns 0; -ETIME: TTL or hop limit 1 on arrival (the caller counts, and may answer time exceeded);
// -EMSGSIZE: larger than the MTU and must not be fragmented, or than a datagram may be (the caller answers
// packet too big with r->mtu); -EINVAL: `s` contradicts itself or the frame. Then nothing has changed.
typedef uint32_t frame_sum_fn(void *context, uint32_t offset, uint32_t length);
int frame_rewrite(uint8_t *data, const struct frame *f, const struct frame_send *s,
	struct frame_result *r, frame_sum_fn *sum, void *context);

// A datagram made from nothing (an answer of the control plane): whole headers and checksums, and the front
// if there is one, before `length` bytes of payload at `payload`, where FRAME_HEADROOM + front_length bytes
// are free. Offset, length, padding and mtu of `s` are not used. Returns the frame's
// first byte, before `payload`.
uint8_t *frame_build(uint8_t *payload, uint32_t length, const struct frame_send *s);

// RFC 8656 section 14: a flow label of our own. One for each pair of transport addresses.
static inline uint32_t frame_flow_label(
	const struct tp_endpoint *from, const struct tp_endpoint *to)
{
	uint64_t h = (to->ip.q[1] ^ (uint64_t)from->port << 16 ^ to->port) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(h >> 44);
}

// ICMP towards the sender of a frame that could not be relayed (RFC 8656 sections 13 and 14): time exceeded,
// or packet too big / fragmentation needed with the MTU that the sender must keep to, from `from`, an address
// of ours of the frame's family.
enum frame_error {
	FRAME_TIME_EXCEEDED = 0,
	FRAME_TOO_BIG = 1,
};
#define FRAME_ERROR_MAX 1298u // Ethernet, VLAN tag, and 1280 bytes of IPv6
// Writes at most FRAME_ERROR_MAX bytes to `out`: back to the link-layer address it came from, with as much of
// the frame as fits, unchanged (so before it is rewritten). `length` bytes are at `data`. Returns the length;
// 0: no error may be sent about this (RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e)).
uint32_t frame_make_error(uint8_t *out, enum frame_error what, const uint8_t *data, uint32_t length,
	const struct frame *f, const struct tp_ip *from, uint16_t mtu);
