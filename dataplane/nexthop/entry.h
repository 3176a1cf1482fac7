// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A next hop as readers see it: written in two copies in turn. While one is written, the sequence sends
// readers to the other; a reader looks again only if a whole copy was finished meanwhile.
//
// Roles      Any number of readers; one writer at a time (the mutex of struct nexthops).
// Ordering   Each store is a release and each load of a copy an acquire. A reader that sees a word of a newer
//            copy so sees the newer sequence too, and discards what it read.
// Wrap       A reader would have to sleep through 2^64 writes.
#pragma once

#include <string.h>

#include "nexthop.h"

#define ENTRY_WORDS 3u

struct entry {
	_Alignas(64) uint64_t sequence; // its low bit: the copy to read
	uint64_t copy[2][ENTRY_WORDS];
};
_Static_assert(sizeof(struct entry) == 64, "one line");
_Static_assert(sizeof(struct nexthop) == ENTRY_WORDS * 8, "the whole of it");

static inline uint64_t entry_sequence(const struct entry *e)
{
	return __atomic_load_n(&e->sequence, __ATOMIC_ACQUIRE);
}

// Returns the sequence that goes with what was read: until it is another, that holds.
static inline uint64_t entry_read(const struct entry *e, struct nexthop *out)
{
	uint64_t word[ENTRY_WORDS];
	uint64_t sequence, after;

	do {
		const uint64_t *copy;

		sequence = entry_sequence(e);
		copy = e->copy[sequence & 1];
#pragma GCC unroll 3
		for (unsigned int i = 0; i < ENTRY_WORDS; i++)
			word[i] = __atomic_load_n(&copy[i], __ATOMIC_ACQUIRE);
		after = __atomic_load_n(&e->sequence, __ATOMIC_RELAXED);
	} while (__builtin_expect(after != sequence, 0));
	memcpy(out, word, sizeof(*out));
	return sequence;
}

static inline void entry_write(struct entry *e, const struct nexthop *in)
{
	uint64_t word[ENTRY_WORDS];
	uint64_t sequence = __atomic_load_n(&e->sequence, __ATOMIC_RELAXED);

	memcpy(word, in, sizeof(word));
	// The copy that readers aren't sent to; then they are, and it is the other one's turn.
	for (unsigned int k = 0; k < 2; k++) {
		for (unsigned int i = 0; i < ENTRY_WORDS; i++)
			__atomic_store_n(&e->copy[~sequence & 1][i], word[i], __ATOMIC_RELEASE);
		__atomic_store_n(&e->sequence, ++sequence, __ATOMIC_RELEASE);
	}
}
