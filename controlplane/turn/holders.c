// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../auth/siphash.h"
#include "holders.h"

int holders_create(struct holders *h, uint32_t capacity, const uint8_t secret[16])
{
	*h = (struct holders){.capacity = capacity};
	memcpy(h->secret, secret, sizeof(h->secret));
	h->heads = malloc(capacity * sizeof(*h->heads));
	h->entries = calloc(capacity, sizeof(*h->entries));
	if (!h->heads || !h->entries) {
		holders_destroy(h);
		return -ENOMEM;
	}
	memset(h->heads, 0xff, capacity * sizeof(*h->heads)); // HOLDER_NONE
	for (uint32_t i = 0; i < capacity; i++)
		h->entries[i].next = i + 1 < capacity ? i + 1 : HOLDER_NONE;
	return 0;
}

void holders_destroy(struct holders *h)
{
	free(h->heads);
	free(h->entries);
	*h = (struct holders){0};
}

// Where the link to the user's entry is: the end of its chain if there is none.
static uint32_t *find(const struct holders *h, const uint8_t key[16])
{
	uint32_t *link = &h->heads[siphash_below(siphash64(h->secret, key, 16), h->capacity)];

	while (*link != HOLDER_NONE && memcmp(h->entries[*link].key, key, 16) != 0)
		link = &h->entries[*link].next;
	return link;
}

uint32_t holders_find(const struct holders *h, const uint8_t key[16])
{
	return *find(h, key);
}

uint32_t holders_allocations(const struct holders *h, const uint8_t key[16])
{
	const uint32_t index = *find(h, key);

	return index == HOLDER_NONE ? 0 : h->entries[index].allocations;
}

int holders_take(struct holders *h, const uint8_t key[16], uint32_t limit)
{
	uint32_t *link = find(h, key);
	struct holder *e;

	if (*link != HOLDER_NONE) {
		e = &h->entries[*link];
		if (limit && e->allocations >= limit)
			return -EDQUOT;
		e->allocations++;
		return 0;
	}
	if (h->free == HOLDER_NONE)
		return -ENOSPC;
	*link = h->free;
	e = &h->entries[h->free];
	h->free = e->next;
	*e = (struct holder){.allocations = 1, .next = HOLDER_NONE};
	memcpy(e->key, key, sizeof(e->key));
	h->used++;
	return 0;
}

void holders_release(struct holders *h, const uint8_t key[16])
{
	uint32_t *link = find(h, key), index = *link;

	if (index == HOLDER_NONE || --h->entries[index].allocations)
		return;
	*link = h->entries[index].next;
	h->entries[index].next = h->free;
	h->free = index;
	h->used--;
}
