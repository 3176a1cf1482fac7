// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../auth/siphash.h"
#include "quota.h"

int quota_create(struct quota *q, uint32_t limit, uint32_t capacity, const uint8_t secret[16])
{
	*q = (struct quota){.limit = limit, .capacity = capacity};
	if (!limit)
		return 0;
	memcpy(q->secret, secret, sizeof(q->secret));
	q->heads = calloc(capacity, sizeof(*q->heads));
	q->entries = calloc(capacity, sizeof(*q->entries));
	if (!q->heads || !q->entries) {
		quota_destroy(q);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < capacity; i++)
		q->entries[i].next = i + 1 < capacity ? i + 2 : 0;
	q->free = 1;
	return 0;
}

void quota_destroy(struct quota *q)
{
	free(q->heads);
	free(q->entries);
	*q = (struct quota){0};
}

// Where the link to the key's entry is: the end of its chain if there is none.
static uint32_t *find(const struct quota *q, const uint8_t key[16])
{
	uint32_t *link = &q->heads[siphash_below(siphash64(q->secret, key, 16), q->capacity)];

	while (*link && memcmp(q->entries[*link - 1].key, key, 16) != 0)
		link = &q->entries[*link - 1].next;
	return link;
}

static int take(struct quota *q, const uint8_t key[16], uint32_t limit)
{
	struct quota_entry *e;
	uint32_t *link, index;

	if (!q->limit)
		return 0;
	link = find(q, key);
	if (*link) {
		e = &q->entries[*link - 1];
		if (e->count >= limit)
			return -EDQUOT;
		e->count++;
		q->held++;
		return 0;
	}
	if (!q->free)
		return -ENOSPC;
	index = q->free;
	e = &q->entries[index - 1];
	q->free = e->next;
	memcpy(e->key, key, 16);
	e->count = 1;
	e->next = 0;
	*link = index;
	q->used++;
	q->held++;
	return 0;
}

int quota_take(struct quota *q, const uint8_t key[16])
{
	return take(q, key, q->limit);
}

int quota_restore(struct quota *q, const uint8_t key[16])
{
	return take(q, key, UINT32_MAX);
}

void quota_release(struct quota *q, const uint8_t key[16])
{
	struct quota_entry *e;
	uint32_t *link, index;

	if (!q->limit)
		return;
	link = find(q, key);
	if (!*link)
		return;
	index = *link;
	e = &q->entries[index - 1];
	q->held--;
	if (--e->count)
		return;
	*link = e->next;
	e->next = q->free;
	q->free = index;
	q->used--;
}

uint32_t quota_count(const struct quota *q, const uint8_t key[16])
{
	uint32_t *link = q->limit ? find(q, key) : NULL;

	return link && *link ? q->entries[*link - 1].count : 0;
}
