// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What a STUN message from a client is, and what a Send indication says (RFC 8656 section 11.2).
#pragma once

#include <stdbool.h>

#include <turnpike/addr.h>
#include <turnpike/counters.h>

struct send {
	struct tp_endpoint peer;
	uint32_t offset; // of DATA's value in the datagram
	uint32_t length;
	bool dont_fragment;
};

enum stun_kind {
	STUN_DROP,
	STUN_PUNT,
	STUN_SEND,
};

// Reads a datagram whose first byte is 0 to 3. STUN_DROP sets `drop`, STUN_SEND fills `send`.
enum stun_kind stun_read(
	const uint8_t *data, uint32_t length, struct send *send, enum tp_counter *drop);
