// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Frames from descriptions, for tests: written from the RFCs alone, with every checksum summed over every
// byte, and with nothing of the code under test.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PACKET_MAX 70000u

enum packet_checksum {
	CHECKSUM_RIGHT = 0,
	CHECKSUM_NONE, // 0
	CHECKSUM_WRONG,
};

// Zero means: what is usual. Payload: `front` and then `fill` bytes of a pattern and then `tail`.
struct packet_spec {
	const char *source; // "192.0.2.1" or "2001:db8::1"
	const char *destination;
	uint16_t source_port;
	uint16_t destination_port;
	const char *front; // hexadecimal digits, blanks between them
	uint32_t fill;
	const char *tail;

	const uint8_t *l2; // destination and source; NULL: 02:00:00:00:00:01, 02:00:00:00:00:02
	uint16_t vlan; // tag; 0: none
	uint8_t tos; // or traffic class
	uint8_t ttl; // or hop limit; 0: 64
	bool ttl_zero;
	bool dont_fragment;
	uint16_t id;
	uint16_t fragment; // flags and offset as they are in the header, DF not included
	uint32_t flow_label;
	const char *options; // IPv4
	const char
		*extension; // IPv6 extension headers, the last one's next header being `protocol`
	uint8_t next; // the first one's type; with `extension` only
	uint8_t protocol; // 0: UDP, or ICMP where `quote` is set
	enum packet_checksum udp_checksum;
	enum packet_checksum ip_checksum;
	int32_t ip_length_more; // the length fields say so much more than is right
	int32_t udp_length_more;
	uint32_t trailer; // bytes of 0xee behind the IP packet
	uint8_t version; // 0: the right one

	// An ICMP message about `quote` (its IP packet, at most quote_length bytes; 0: all).
	const struct packet_spec *quote;
	uint32_t quote_length;
	uint8_t type;
	uint8_t code;
	uint32_t data;
};

// Returns the length of the frame at `out`, PACKET_MAX bytes.
uint32_t packet_build(uint8_t *out, const struct packet_spec *p);

// Whether lengths and checksums of a frame are right, UDP's if there is one. Only plain headers are known.
bool packet_sound(const uint8_t *frame, uint32_t length);
// The UDP payload of such a frame. NULL: it is not UDP.
uint8_t *packet_payload(uint8_t *frame, uint32_t length);
// Makes its UDP checksum right again, if there is one.
void packet_refresh(uint8_t *frame, uint32_t length);
// Makes the checksum of an IPv4 header of 20 bytes right again.
void packet_refresh_ip4(uint8_t *ip);

// Adds a fragment to the frame at `whole`, PACKET_MAX bytes, of which `length` are there: fragments
// come in their order, without tags. Returns the length then, and in `more` whether it goes on; 0:
// it is no fragment, or not the next one.
uint32_t packet_join(uint8_t *whole, uint32_t length, const uint8_t *frame, uint32_t n, bool *more);
