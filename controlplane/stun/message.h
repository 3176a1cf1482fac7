// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Reading STUN messages (RFC 8489 section 5 and 14, RFC 8656 section 18): one pass, one bounded
// cursor, no casts of packet bytes. The message points into the caller's bytes, which must outlive
// it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>
#include <turnpike/wire.h>

struct stun_bytes {
	const uint8_t *data; // NULL: absent
	uint16_t length;
};

#define STUN_UNKNOWN_MAX 16 // unknown attributes told in a 420
#define STUN_PEERS_MAX 16 // XOR-PEER-ADDRESSes kept of one CreatePermission

// Attributes that were present, as a bit set.
enum stun_has {
	STUN_HAS_USERNAME = 1u << 0,
	STUN_HAS_USERHASH = 1u << 1,
	STUN_HAS_REALM = 1u << 2,
	STUN_HAS_NONCE = 1u << 3,
	STUN_HAS_INTEGRITY = 1u << 4,
	STUN_HAS_INTEGRITY_SHA256 = 1u << 5,
	STUN_HAS_FINGERPRINT = 1u << 6,
	STUN_HAS_LIFETIME = 1u << 7,
	STUN_HAS_REQUESTED_TRANSPORT = 1u << 8,
	STUN_HAS_REQUESTED_FAMILY = 1u << 9,
	STUN_HAS_ADDITIONAL_FAMILY = 1u << 10,
	STUN_HAS_EVEN_PORT = 1u << 11,
	STUN_HAS_RESERVATION_TOKEN = 1u << 12,
	STUN_HAS_DONT_FRAGMENT = 1u << 13,
	STUN_HAS_CHANNEL_NUMBER = 1u << 14,
	STUN_HAS_PEER_ADDRESS = 1u << 15,
	STUN_HAS_DATA = 1u << 16,
	STUN_HAS_PASSWORD_ALGORITHM = 1u << 17,
	STUN_HAS_PASSWORD_ALGORITHMS = 1u << 18,
	STUN_HAS_MOBILITY_TICKET = 1u << 19,
	STUN_HAS_CHANGE_REQUEST = 1u << 20,
	STUN_HAS_PADDING = 1u << 21,
	STUN_HAS_RESPONSE_PORT = 1u << 22,
};

// One XOR-PEER-ADDRESS. `family` as on the wire, checked against the attribute's length; an
// IPv4-mapped IPv6 address stays IPv6 here (family TP_IPV6 and an address that tp_ip_is4()): the
// policy refuses it.
struct stun_peer {
	struct tp_endpoint endpoint;
	uint8_t family; // 0: invalid (unknown family, wrong length): `malformed` tells it too
};

struct stun_message {
	const uint8_t *bytes; // the whole message
	size_t length; // header included
	uint16_t method; // enum tp_stun_method, or unknown
	uint8_t class_; // enum tp_stun_class
	uint8_t tid[TP_STUN_TID];

	uint32_t has; // enum stun_has
	uint32_t malformed; // enum stun_has: present, but with an impossible length or value
	struct stun_bytes username, userhash, realm, nonce, software, data;
	struct stun_bytes integrity; // value of MESSAGE-INTEGRITY
	struct stun_bytes integrity_sha256;
	struct stun_bytes password_algorithm, password_algorithms;
	struct stun_bytes mobility_ticket; // length 0: asks for one (RFC 8016 section 3.1)
	uint16_t integrity_offset; // of the MESSAGE-INTEGRITY attribute's header in `bytes`
	uint16_t integrity_sha256_offset; // likewise
	bool fingerprint_valid;

	uint32_t lifetime_s;
	uint8_t requested_transport; // IANA protocol number
	uint8_t requested_family; // enum tp_family or whatever was sent
	uint8_t additional_family;
	bool even_port_reserve; // EVEN-PORT's R bit
	uint64_t reservation_token;
	uint16_t channel_number;
	uint32_t change_request; // flags of CHANGE-REQUEST (RFC 5780 section 7.2)
	uint16_t response_port; // not 0

	// Of duplicates the first counts, but CreatePermission means all its XOR-PEER-ADDRESSes.
	struct stun_peer peers[STUN_PEERS_MAX];
	uint16_t peers_count; // kept in `peers`
	bool peers_overflow; // there were more

	uint16_t unknown[STUN_UNKNOWN_MAX]; // comprehension-required types not known here
	uint16_t unknown_count;
};

// Parses `length` bytes. Attributes after MESSAGE-INTEGRITY are ignored but for
// MESSAGE-INTEGRITY-SHA256 and FINGERPRINT, after MESSAGE-INTEGRITY-SHA256 but for FINGERPRINT (RFC
// 8489 sections 14.5 and 14.6). Returns 0, or -EBADMSG when this is no STUN message: first two
// bits, cookie, length not a multiple of 4 or other than `length` - 20, more than 65,535 bytes, an
// attribute that crosses the end. Attributes with wrong values are marked in `malformed`: the
// server answers 400.
int stun_parse(struct stun_message *out, const uint8_t *bytes, size_t length);
