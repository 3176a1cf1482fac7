// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The next hops that a worker's packets took last, as they were read and found ready, each with the device that
// it leaves by. They are few: nearly every packet takes one that another took shortly before.
#pragma once

#include <read.h>

#include "out.h"

#define ADJACENCIES 16u // a next hop's place is its number modulo this

struct adjacency {
	_Alignas(64) uint16_t hop; // its number; none: one of another place
	uint16_t mtu;
	uint8_t l2[12]; // destination and source
	const struct entry *entry;
	uint64_t sequence; // the entry's: another has to be read again
	struct out *out;
};
static_assert(sizeof(struct adjacency) == 64, "one line");

struct adjacencies {
	struct adjacency adjacency[ADJACENCIES];
	struct nexthops_view hops;
	struct out *out; // of each port
	uint32_t ports;
};

void adjacencies_init(
	struct adjacencies *all, const struct nexthops *n, struct out *out, uint32_t ports);

// The adjacency of a next hop, or NULL: it is not ready. Holds until the next call.
const struct adjacency *adjacency_read(struct adjacencies *all, uint16_t hop);

static inline const struct adjacency *adjacency_of(struct adjacencies *all, uint16_t hop)
{
	const struct adjacency *a = &all->adjacency[hop % ADJACENCIES];

	if (__builtin_expect(a->hop == hop && a->sequence == entry_sequence(a->entry), 1))
		return a;
	return adjacency_read(all, hop);
}

// The one that the packet before took, which nearly always is the next one's.
struct adjacency_last {
	uint32_t hop; // UINT32_MAX: there is none
	const struct adjacency *adjacency;
};

// The adjacency of a destination, of a packet in a burst.
static inline const struct adjacency *adjacency_next(
	struct adjacencies *all, struct adjacency_last *last, uint32_t destination)
{
	uint16_t hop = nexthops_view_word(&all->hops, destination);
	const struct adjacency *a = last->adjacency;

	if (__builtin_expect(hop == last->hop && a->sequence == entry_sequence(a->entry), 1))
		return a;
	a = adjacency_of(all, hop);
	*last = (struct adjacency_last){a ? hop : UINT32_MAX, a};
	return a;
}
