// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "index.h"

#define DISPLACED 1u

// The other bucket of an item with this tag; its own inverse: other(other(b)) is b.
static struct index_bucket *other(
	const struct index *ix, const struct index_bucket *b, uint16_t tag)
{
	uint32_t from = (uint32_t)(b - ix->bucket);
	uint32_t sum = (uint32_t)(((uint64_t)((tag & ~DISPLACED) * 0x9e3779b1u) * ix->buckets) >>
				  32);

	return &ix->bucket[sum >= from ? sum - from : sum + ix->buckets - from];
}

static bool put(struct index_bucket *b, uint16_t tag, uint32_t item)
{
	for (unsigned int i = 0; i < INDEX_SLOTS; i++) {
		if (b->tag[i])
			continue;
		b->tag[i] = tag;
		b->item[i] = item;
		return true;
	}
	return false;
}

static bool take(struct index_bucket *b, uint16_t tag, uint32_t item)
{
	for (unsigned int i = 0; i < INDEX_SLOTS; i++) {
		if (b->tag[i] != tag || b->item[i] != item)
			continue;
		b->tag[i] = 0;
		return true;
	}
	return false;
}

// Makes room in a full bucket: moves the first resident that fits in its other bucket.
static bool make_room(const struct index *ix, struct index_bucket *b)
{
	for (unsigned int i = 0; i < INDEX_SLOTS; i++) {
		struct index_bucket *to = other(ix, b, b->tag[i]);

		if (to == b || !put(to, b->tag[i] ^ DISPLACED, b->item[i]))
			continue;
		if (b->tag[i] & DISPLACED)
			to->displaced--;
		else
			b->displaced++;
		b->tag[i] = 0;
		return true;
	}
	return false;
}

unsigned int index_candidates(const struct index *ix, uint64_t hash, uint32_t out[2 * INDEX_SLOTS])
{
	const struct index_bucket *b = index_home(ix, hash);
	uint16_t tag = index_tag(hash);
	unsigned int n = 0;

	for (unsigned int m = index_matches(b, tag); m; m &= m - 1)
		out[n++] = b->item[__builtin_ctz(m)];
	if (!b->displaced)
		return n;
	b = other(ix, b, tag);
	for (unsigned int m = index_matches(b, tag | DISPLACED); m; m &= m - 1)
		out[n++] = b->item[__builtin_ctz(m)];
	return n;
}

int index_insert(struct index *ix, uint64_t hash, uint32_t item)
{
	struct index_bucket *home = index_home(ix, hash);
	uint16_t tag = index_tag(hash);
	struct index_bucket *second = other(ix, home, tag);

	if (put(home, tag, item))
		return 0;
	if (!put(second, tag | DISPLACED, item)) {
		if (make_room(ix, home)) {
			put(home, tag, item);
			return 0;
		}
		if (!make_room(ix, second))
			return -ENOSPC;
		put(second, tag | DISPLACED, item);
	}
	home->displaced++;
	return 0;
}

bool index_erase(struct index *ix, uint64_t hash, uint32_t item)
{
	struct index_bucket *home = index_home(ix, hash);
	uint16_t tag = index_tag(hash);

	if (take(home, tag, item))
		return true;
	if (!home->displaced || !take(other(ix, home, tag), tag | DISPLACED, item))
		return false;
	home->displaced--;
	return true;
}
