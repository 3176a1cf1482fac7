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
	FRAME_MALFORMED = 4, // UDP or ICMP in IP with impossible lengths or a wrong header checksum
};

// A parsed frame. Offsets are from its first byte.
struct frame {
	uint8_t kind; // enum frame_kind
	uint8_t family; // enum tp_family, where kind is not FRAME_OTHER
	uint8_t ttl; // or hop limit
	uint8_t tos; // or traffic class: DSCP and ECN
	bool dont_fragment; // IPv4's DF; IPv6: true
	bool checksum_zero; // IPv4 UDP without a checksum (IPv6: malformed)
	uint16_t l2_length; // 14 or 18
	uint16_t l4; // UDP or ICMP header
	uint16_t payload; // UDP payload
	uint16_t udp_checksum; // as on the wire, network order
	uint32_t payload_length; // by UDP's length, which the IP length covers
	struct tp_endpoint source;
	struct tp_endpoint destination;
};

// Parses a frame of `total` bytes of which the first `length` are at `data`. IPv4 with options and IPv6
// with hop-by-hop, routing (segments left 0) and destination options headers are parsed through.
// `checked`: the port has verified the IPv4 header checksum.
void frame_parse(
	struct frame *f, const uint8_t *data, uint32_t length, uint32_t total, bool checked);

// An ICMP error that was parsed as FRAME_ICMP_ERROR: what it says, and the datagram that it is about.
struct frame_icmp {
	uint8_t type;
	uint8_t code;
	uint32_t
		data; // of the ICMP header's second word, host byte order: the next-hop MTU, where it has one
	struct tp_endpoint
		source; // of the embedded datagram: one of our relayed transport addresses
	struct tp_endpoint destination; // and the peer it was sent to
};
// Returns 0, or -EBADMSG: nothing embedded that can be read.
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
	uint8_t l2
		[FRAME_L2_MAX]; // the new link-layer header, EtherType included (it is overwritten)
	uint8_t l2_length;
	uint16_t mtu; // of the next hop: IP packets of at most so many bytes
	uint16_t ip_id; // IPv4 identification, if fragmentation is allowed (RFC 6864)
	uint32_t flow_label; // IPv6, 20 bits; 0: none
};

struct frame_result {
	int32_t start; // of the new frame, relative to the old one's first byte; may be negative
	uint32_t headers; // bytes at `start` that were written: headers and front, not payload
	uint32_t total; // bytes of the new frame
	bool fragment; // it is larger than the MTU and may be fragmented: the caller's to do
};

// Rewrites in place. `data` is the old frame's first byte with FRAME_HEADROOM before it; the headers and
// the first offset bytes of payload must be contiguous; `padding` bytes must be free behind the data when
// it is not 0. Checks everything, then mutates. Checksums by difference; a whole payload is summed only for
// a zero IPv4 checksum that goes to IPv6 (`sum` does that: NULL when the payload is contiguous).
// Returns 0; -ETIME: TTL or hop limit 1 on arrival (the caller counts, and may answer time exceeded);
// -EMSGSIZE: larger than the MTU and must not be fragmented (the caller answers packet too big).
typedef uint32_t frame_sum_fn(void *context, uint32_t offset, uint32_t length);
int frame_rewrite(uint8_t *data, const struct frame *f, const struct frame_send *s,
	struct frame_result *r, frame_sum_fn *sum, void *context);

// A datagram made from nothing (an answer of the control plane): whole headers and checksums before
// `length` bytes of payload at `payload`. Returns the frame's first byte, before `payload`.
uint8_t *frame_build(uint8_t *payload, uint32_t length, const struct frame_send *s);

// ICMP towards the sender of a frame that could not be relayed (RFC 8656 section 13, 14): time exceeded, or
// packet too big / fragmentation needed with the MTU that the sender must keep to, from `from`.
enum frame_error {
	FRAME_TIME_EXCEEDED = 0,
	FRAME_TOO_BIG = 1,
};
#define FRAME_ERROR_MAX 1294u // Ethernet, VLAN tag, and 1280 bytes of IPv6 less
// Writes at most FRAME_ERROR_MAX bytes to `out`. Returns the length; 0: no error may be sent about this
// (RFC 1122 section 3.2.2, RFC 4443 section 2.4).
uint32_t frame_make_error(uint8_t *out, enum frame_error what, const uint8_t *data, uint32_t length,
	const struct frame *f, const struct tp_ip *from, uint16_t mtu);
