// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which relay ports this worker has an allocation for: one bit each. What a hairpinned datagram
// needs to know before it becomes a peer's.
#pragma once

#include <turnpike/segment.h>

struct held {
	uint64_t *bits; // by tp_owner_index()
};

static inline uint32_t held_words(const struct tp_capabilities *c)
{
	return (tp_owners_size(c) + 63) / 64;
}

static inline void held_set(struct held *h, uint32_t port, bool held)
{
	uint64_t bit = 1ull << (port % 64);

	h->bits[port / 64] = held ? h->bits[port / 64] | bit : h->bits[port / 64] & ~bit;
}

// `relay` is one of the capabilities'.
static inline bool held_has(
	const struct held *h, const struct tp_capabilities *c, uint8_t relay, uint16_t port)
{
	uint32_t index;

	if (port < c->port_min || port > c->port_max)
		return false;
	index = tp_owner_index(c, relay, port);
	return h->bits[index / 64] >> (index % 64) & 1;
}
