// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// nexthops_read() and what goes before it, for the loops of workers: compiled into them. Ordering as in
// nexthop.h and entry.h.
#pragma once

#include "entry.h"

// Where workers read. Holds as long as the next hops it is of.
struct nexthops_view {
	const uint16_t *word; // by destination
	const struct entry *entry; // by word
};
struct nexthops_view nexthops_view(const struct nexthops *n);

static inline void nexthops_view_prefetch_word(const struct nexthops_view *v, uint32_t destination)
{
	__builtin_prefetch(&v->word[destination]);
}

static inline void nexthops_view_prefetch(const struct nexthops_view *v, uint32_t destination)
{
	__builtin_prefetch(&v->entry[__atomic_load_n(&v->word[destination], __ATOMIC_RELAXED)]);
}

// The number of the next hop that serves a destination, for who keeps what it read with its sequence.
static inline uint16_t nexthops_view_word(const struct nexthops_view *v, uint32_t destination)
{
	return __atomic_load_n(&v->word[destination], __ATOMIC_ACQUIRE);
}

// An entry may be freed and become another next hop while it is read: then the word has changed too.
static inline enum nexthop_state nexthops_view_read(
	const struct nexthops_view *v, uint32_t destination, struct nexthop *out)
{
	const uint16_t *word = &v->word[destination];
	uint16_t hop = __atomic_load_n(word, __ATOMIC_ACQUIRE);
	uint16_t after;

	for (;;) {
		entry_read(&v->entry[hop], out);
		after = __atomic_load_n(word, __ATOMIC_ACQUIRE);
		if (__builtin_expect(after == hop, 1))
			return (enum nexthop_state)out->state;
		hop = after;
	}
}
