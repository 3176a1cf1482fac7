// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include <index.h>

#define ITEMS 40000u

TestSuite(relay_index);

static uint64_t spread(uint64_t i)
{
	i = (i + 1) * 0x9e3779b97f4a7c15ull;
	i ^= i >> 29;
	i *= 0xbf58476d1ce4e5b9ull;
	return i ^ i >> 32;
}

static struct index make(uint32_t items)
{
	struct index ix = {.buckets = index_buckets(items)};

	ix.bucket = aligned_alloc(64, ix.buckets * sizeof(*ix.bucket));
	memset(ix.bucket, 0, ix.buckets * sizeof(*ix.bucket));
	return ix;
}

static bool finds(const struct index *ix, uint64_t hash, uint32_t item)
{
	uint32_t out[2 * INDEX_SLOTS];
	unsigned int n = index_candidates(ix, hash, out);

	for (unsigned int i = 0; i < n; i++)
		if (out[i] == item)
			return true;
	return false;
}

Test(relay_index, holds_every_item_it_was_made_for)
{
	struct index ix = make(ITEMS);

	for (int round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < ITEMS; i++)
			cr_assert(eq(
				int, index_insert(&ix, spread(i + (uint64_t)round * ITEMS), i), 0));
		for (uint32_t i = 0; i < ITEMS; i++)
			cr_assert(finds(&ix, spread(i + (uint64_t)round * ITEMS), i));
		for (uint32_t i = 0; i < ITEMS; i++)
			cr_assert(index_erase(&ix, spread(i + (uint64_t)round * ITEMS), i));
		for (uint32_t b = 0; b < ix.buckets; b++) {
			cr_assert(eq(int, ix.bucket[b].displaced, 0));
			for (unsigned int s = 0; s < INDEX_SLOTS; s++)
				cr_assert(eq(int, ix.bucket[b].tag[s], 0));
		}
	}
	free(ix.bucket);
}

Test(relay_index, survives_more_than_it_was_made_for)
{
	struct index ix = make(64);
	uint32_t held = 0, refused = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		if (index_insert(&ix, spread(i), i) < 0)
			refused++;
		else
			held++;
	}
	cr_assert(held <= ix.buckets * INDEX_SLOTS);
	cr_assert(held > 64);
	for (uint32_t i = 0; i < 1000; i++)
		if (finds(&ix, spread(i), i))
			held--;
	cr_assert(eq(u32, held, 0));
	cr_assert(gt(u32, refused, 0));
	free(ix.bucket);
}

Test(relay_index, of_equal_hashes_two_buckets_full_fit_and_no_more)
{
	struct index ix = make(ITEMS);
	uint64_t hash = spread(7);

	for (uint32_t i = 0; i < 2 * INDEX_SLOTS; i++)
		cr_assert(eq(int, index_insert(&ix, hash, i), 0));
	cr_assert(eq(int, index_insert(&ix, hash, 99), -ENOSPC));
	for (uint32_t i = 0; i < 2 * INDEX_SLOTS; i++)
		cr_assert(finds(&ix, hash, i));
	cr_assert(not(index_erase(&ix, hash, 99)));
	for (uint32_t i = 0; i < 2 * INDEX_SLOTS; i++)
		cr_assert(index_erase(&ix, hash, i));
	cr_assert(not(index_erase(&ix, hash, 0)));
	free(ix.bucket);
}

Test(relay_index, the_slot_of_a_tag_is_exact)
{
	struct index_bucket b = {0};

	for (unsigned int s = 0; s < INDEX_SLOTS; s++)
		b.tag[s] = (uint16_t)(0x7ffe + s * 2);
	for (unsigned int tag = 2; tag < 0x10000; tag += 2) {
		unsigned int s = (tag - 0x7ffe) / 2;

		cr_assert(eq(int, index_slot(&b, (uint16_t)tag),
			tag >= 0x7ffe && s < INDEX_SLOTS ? s : INDEX_SLOTS));
	}
}
