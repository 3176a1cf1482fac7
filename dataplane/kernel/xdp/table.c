// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "table.h"

#include <errno.h>

#define NOWHERE XDP_NEAR

static struct xdp_line *home_of(const struct table *t, const struct xdp_line *entry)
{
	const struct tp_ip ip = {.q = {entry->word[0], entry->word[1]}};

	return &t->lines[xdp_home(t->hash, &ip, entry->word[2] & t->key, t->homes)];
}

static bool same_key(const struct table *t, const struct xdp_line *a, const struct xdp_line *b)
{
	return ((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) |
		       ((a->word[2] ^ b->word[2]) & t->key)) == 0;
}

// How far from its home an entry is, or NOWHERE.
static uint32_t find(
	const struct table *t, const struct xdp_line *home, const struct xdp_line *entry)
{
	for (uint64_t near = home->near; near; near &= near - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(near);

		if (same_key(t, &home[i], entry))
			return i;
	}
	return NOWHERE;
}

static uint32_t find_free(const struct xdp_line *home)
{
	uint32_t i = 0;

	while (i < XDP_NEAR && home[i].word[2])
		i++;
	return i;
}

static void write(struct xdp_line *to, const struct xdp_line *entry)
{
	uint32_t sequence = to->sequence + 1;

	__atomic_store_n(&to->sequence, sequence, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&to->until, entry->until, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < sizeof(to->word) / sizeof(to->word[0]); i++)
		__atomic_store_n(&to->word[i], entry->word[i], __ATOMIC_RELAXED);
	__atomic_store_n(&to->sequence, sequence + 1, __ATOMIC_RELEASE);
}

int table_put(struct table *t, const struct xdp_line *entry)
{
	struct xdp_line *home = home_of(t, entry);
	uint32_t at = find(t, home, entry);

	if (at == NOWHERE)
		at = find_free(home);
	if (at == NOWHERE)
		return -ENOSPC;
	write(&home[at], entry);
	__atomic_store_n(&home->near, home->near | 1ull << at, __ATOMIC_RELEASE);
	return 0;
}

void table_drop(struct table *t, const struct xdp_line *entry)
{
	static const struct xdp_line none;
	struct xdp_line *home = home_of(t, entry);
	uint32_t at = find(t, home, entry);

	if (at == NOWHERE)
		return;
	__atomic_store_n(&home->near, home->near & ~(1ull << at), __ATOMIC_RELEASE);
	write(&home[at], &none);
}
