// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// From a hash to candidate items, in buckets of one cache line. An item sits in the bucket that its
// hash names, or, when that is full, in one other that its tag leads to: then it is `displaced`, and
// the first bucket counts it. So a lookup reads one line nearly always, two at most. With at most half
// of the slots used (INDEX_LOAD), an insertion that finds both full moves one resident on and fits.
//
// Tags tell 1 in 32768 apart: whoever looks up compares the whole key in the item's own line.
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define INDEX_SLOTS 8u
#define INDEX_LOAD 4u // items for a bucket, on average, when the index is full
#define INDEX_NONE UINT32_MAX

struct index_bucket {
	_Alignas(64) uint16_t tag[INDEX_SLOTS]; // 0: free; bit 0: displaced
	uint32_t item[INDEX_SLOTS];
	uint16_t displaced; // items of this bucket that sit in their other one
	uint16_t zero[7];
};
_Static_assert(sizeof(struct index_bucket) == 64, "one line");

struct index {
	struct index_bucket *bucket; // zeroed memory: empty
	uint32_t buckets;
};

static inline uint32_t index_buckets(uint32_t items)
{
	return items / INDEX_LOAD + 1;
}

static inline struct index_bucket *index_home(const struct index *ix, uint64_t hash)
{
	return &ix->bucket[((hash & UINT32_MAX) * ix->buckets) >> 32];
}

static inline uint16_t index_tag(uint64_t hash)
{
	uint16_t t = (uint16_t)(hash >> 48) & 0xfffe;

	return t ? t : 2;
}

// Which slots of a bucket have the tag: a bit for each, slot 0's the lowest.
#ifdef __SSE2__
static inline unsigned int index_matches(const struct index_bucket *b, uint16_t tag)
{
	__m128i equal = _mm_cmpeq_epi16(
		_mm_load_si128((const __m128i *)b->tag), _mm_set1_epi16((short)tag));

	return (unsigned int)_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128()));
}
#else
static inline unsigned int index_matches(const struct index_bucket *b, uint16_t tag)
{
	unsigned int matches = 0;

	for (unsigned int i = 0; i < INDEX_SLOTS; i++)
		matches |= (unsigned int)(b->tag[i] == tag) << i;
	return matches;
}
#endif

// The slot of the first candidate in a bucket; INDEX_SLOTS: none there.
static inline unsigned int index_slot(const struct index_bucket *b, uint16_t tag)
{
	return (unsigned int)__builtin_ctz(index_matches(b, tag) | 1u << INDEX_SLOTS);
}

// All candidates, at most 2 * INDEX_SLOTS; returns their number.
unsigned int index_candidates(const struct index *ix, uint64_t hash, uint32_t out[2 * INDEX_SLOTS]);

// 0, or -ENOSPC and nothing has changed. The caller makes sure that the key isn't there yet.
int index_insert(struct index *ix, uint64_t hash, uint32_t item);

// Whether it was there.
bool index_erase(struct index *ix, uint64_t hash, uint32_t item);
