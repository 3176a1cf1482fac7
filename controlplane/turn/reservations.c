// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../auth/siphash.h"
#include "reservations.h"
#include "vault.h"

int reservations_create(
	struct reservations *r, struct tp_vault_reservation *records, uint32_t capacity)
{
	*r = (struct reservations){.records = records,
		.heads = malloc(capacity * sizeof(*r->heads)),
		.next = malloc(capacity * sizeof(*r->next)),
		.capacity = capacity,
		.free = RESERVATION_NONE};
	if (!r->heads || !r->next) {
		reservations_destroy(r);
		return -ENOMEM;
	}
	memset(r->heads, 0xff, capacity * sizeof(*r->heads)); // RESERVATION_NONE
	return 0;
}

void reservations_destroy(struct reservations *r)
{
	free(r->heads);
	free(r->next);
	*r = (struct reservations){0};
}

// Tokens are random: any of their bits make a hash.
static uint32_t *chain(const struct reservations *r, uint64_t token)
{
	return &r->heads[siphash_below(token, r->capacity)];
}

void reservations_restore(struct reservations *r, uint32_t index, bool live)
{
	uint32_t *head = live ? chain(r, r->records[index].token) : &r->free;

	if (!live)
		vault_free(&r->records[index].expires_ms);
	r->next[index] = *head;
	*head = index;
	r->used += live;
}

uint32_t reservations_add(struct reservations *r, const struct tp_vault_reservation *record)
{
	const uint32_t index = r->free;
	struct tp_vault_reservation *to;

	if (index == RESERVATION_NONE)
		return RESERVATION_NONE;
	r->free = r->next[index];
	to = &r->records[index];
	memcpy((uint8_t *)to + sizeof(to->expires_ms),
		(const uint8_t *)record + sizeof(to->expires_ms),
		sizeof(*to) - sizeof(to->expires_ms));
	vault_live(&to->expires_ms, record->expires_ms);
	reservations_restore(r, index, true);
	return index;
}

void reservations_remove(struct reservations *r, uint32_t index)
{
	uint32_t *link = chain(r, r->records[index].token);

	while (*link != index)
		link = &r->next[*link];
	*link = r->next[index];
	r->used--;
	reservations_restore(r, index, false);
}

uint32_t reservations_find(const struct reservations *r, uint64_t token)
{
	uint32_t at = *chain(r, token);

	while (at != RESERVATION_NONE && r->records[at].token != token)
		at = r->next[at];
	return at;
}
