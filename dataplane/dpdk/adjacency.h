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
	const struct entry *entry; // NULL: none
	uint64_t sequence; // the entry's: another has to be read again
	struct out *out;
	uint16_t mtu;
	uint8_t l2[12]; // destination and source
};

struct adjacencies {
	struct adjacency adjacency[ADJACENCIES];
};

// The adjacency of a destination, or NULL: its next hop is not ready. Holds until the next call.
const struct adjacency *adjacency_read(struct adjacencies *all, const struct nexthops_view *v,
	const struct entry *e, struct out *out, uint32_t ports);

static inline const struct adjacency *adjacency_of(struct adjacencies *all,
	const struct nexthops_view *v, uint32_t destination, struct out *out, uint32_t ports)
{
	const struct entry *e = nexthops_view_entry(v, destination);
	const struct adjacency *a = &all->adjacency[(uint64_t)(e - v->entry) % ADJACENCIES];

	if (__builtin_expect(a->entry == e && a->sequence == entry_sequence(e), 1))
		return a;
	return adjacency_read(all, v, e, out, ports);
}
