// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The sequence numbers of one stream, as they arrive: what is new, late, or there already.
#pragma once

#include <assert.h>
#include <stdint.h>

#define TRACK_WINDOW 256u // sequence numbers behind the newest that are remembered

// A line of its own, since streams arrive in any order.
struct track {
	uint32_t next; // after the newest
	uint32_t received; // each once, and those that are `late`
	uint32_t duplicates;
	uint32_t reordered; // behind a later one when they came (RFC 4737 section 3.3)
	uint32_t late; // of these, too far behind to tell from duplicates
	uint32_t misdelivered;
	uint32_t corrupt;
	uint32_t bad_checksum;
	uint64_t seen[TRACK_WINDOW / 64]; // by sequence number modulo TRACK_WINDOW
};
static_assert(sizeof(struct track) == 64, "a track is one cache line");

enum track_state {
	TRACK_NEW,
	TRACK_DUPLICATE,
};

static inline void track_forget(struct track *t, uint32_t from, uint32_t n)
{
	if (n >= TRACK_WINDOW) {
		for (uint32_t i = 0; i < TRACK_WINDOW / 64; i++)
			t->seen[i] = 0;
		return;
	}
	for (uint32_t s = from; n; s++, n--)
		t->seen[s % TRACK_WINDOW / 64] &= ~(1ull << s % 64);
}

static inline enum track_state track_arrive(struct track *t, uint32_t sequence)
{
	uint64_t *word = &t->seen[sequence % TRACK_WINDOW / 64], bit = 1ull << sequence % 64;

	if (sequence >= t->next) {
		track_forget(t, t->next, sequence - t->next + 1);
		t->next = sequence + 1;
	} else if (t->next - sequence > TRACK_WINDOW) {
		t->late++;
		t->reordered++;
		t->received++;
		return TRACK_NEW;
	} else if (*word & bit) {
		t->duplicates++;
		return TRACK_DUPLICATE;
	} else {
		t->reordered++;
	}
	*word |= bit;
	t->received++;
	return TRACK_NEW;
}
