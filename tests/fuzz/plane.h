// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the targets of the link share: a small dataplane, and words of a segment that a mad side writes.
#pragma once

#include <string.h>

#include <turnpike/segment.h>
#include <turnpike/wire.h>

#define SLOTS 6u
#define PEERS 12u
#define PORT 49152u
#define PORTS 6u
#define STEP 8u // bytes of input for each thing that happens

static inline struct tp_capabilities plane_capabilities(void)
{
	struct tp_capabilities c = {.name = "fuzz",
		.servers = 2,
		.relays = 2,
		.allocations = SLOTS,
		.peers = PEERS,
		.port_min = PORT,
		.port_max = PORT + PORTS - 1,
		.channel_max = TP_CHANNEL_MAX};

	c.server[0] = (struct tp_endpoint){.ip = tp_ip4(TP_BE32(0xc0000201)), .port = 3478};
	c.server[1] = (struct tp_endpoint){
		.ip = {.b = {0x20, 1, 0xd, 0xb8, [14] = 1, [15] = 1}}, .port = 3478};
	for (uint32_t i = 0; i < 2; i++)
		c.relay[i].local = c.relay[i].public_ = c.server[i].ip;
	return c;
}

// The step's second byte says how the word changes, its last four to what.
static inline void plane_spoil(uint64_t *word, const uint8_t s[STEP])
{
	uint32_t to;

	memcpy(&to, s + 4, sizeof(to));
	switch (s[1] >> 6) {
	case 0:
		__atomic_store_n(word, to, __ATOMIC_RELAXED);
		break;
	case 1: // a step from where it is: most of what passes the checks
		__atomic_fetch_add(word, to % 65 * 64ull, __ATOMIC_RELAXED);
		break;
	case 2:
		__atomic_store_n(word, (uint64_t)to << 32 | to, __ATOMIC_RELAXED);
		break;
	default:
		__atomic_fetch_xor(word, 1ull << to % 64, __ATOMIC_RELAXED);
	}
}
