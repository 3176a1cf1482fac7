// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which workers get a transaction. An allocation is held by its client's worker, and, where its client has moved,
// by those of its former addresses; under TP_PLACEMENT_OWNER also by the one that owned its relay port when it
// was put: whatever concerns it goes to all of them.
#include <stdlib.h>

#include "shm_private.h"

static uint64_t every_worker(const struct shm_link *l)
{
	return UINT64_MAX >> (64 - l->header.workers);
}

static const uint8_t *owners(const struct shm_link *l)
{
	return (const uint8_t *)l->theirs.base + tp_owners_offset(&l->header);
}

// The worker that owns a relay port, as a set. A byte that names none of them counts in *bad, and
// then every worker gets the entries: so none lacks them. A port that was never published has no owner:
// the client's worker refuses it.
static uint64_t owner(const struct shm_link *l, const struct tp_command *c, uint32_t *bad)
{
	const struct tp_capabilities *caps = &l->capabilities;
	uint8_t worker;

	if (c->relay >= caps->relays || c->relay_port < caps->port_min ||
		c->relay_port > caps->port_max)
		return 0;
	worker = __atomic_load_n(
		&owners(l)[tp_owner_index(caps, c->relay, c->relay_port)], __ATOMIC_RELAXED);
	if (worker < l->header.workers)
		return 1ull << worker;
	++*bad;
	return every_worker(l);
}

static struct shm_slot *slot_of(const struct shm_link *l, const struct tp_command *c)
{
	return c->allocation < l->capabilities.allocations ? &l->slots[c->allocation] : NULL;
}

uint64_t shm_place(const struct shm_link *l, const struct link_transaction *t, uint32_t *bad)
{
	uint64_t workers;

	*bad = 0;
	if (t->worker >= l->header.workers || l->capabilities.placement == TP_PLACEMENT_EVERY)
		return every_worker(l);
	workers = 1ull << t->worker;
	for (uint32_t i = 0; i < t->count; i++) {
		const struct tp_command *c = &t->commands[i];
		const struct shm_slot *s = slot_of(l, c);

		if (!s)
			continue;
		workers |= s->workers;
		if (c->kind == TP_PUT_ALLOCATION &&
			l->capabilities.placement == TP_PLACEMENT_OWNER &&
			(!s->workers || s->relay != c->relay || s->relay_port != c->relay_port))
			workers |= owner(l, c, bad);
	}
	return workers;
}

void shm_placed(struct shm_link *l, const struct link_transaction *t, uint64_t workers)
{
	if (!l->slots)
		return;
	for (uint32_t i = 0; i < t->count; i++) {
		const struct tp_command *c = &t->commands[i];
		struct shm_slot *s = slot_of(l, c);

		if (s && c->kind == TP_PUT_ALLOCATION)
			*s = (struct shm_slot){
				.workers = workers, .relay_port = c->relay_port, .relay = c->relay};
		else if (s && c->kind == TP_DROP_ALLOCATION)
			s->workers = 0;
	}
}

const char *shm_place_begin(struct shm_link *l)
{
	bool mapped = l->capabilities.placement == TP_PLACEMENT_OWNER;
	uint32_t size = mapped ? tp_owners_size(&l->capabilities) : 0;

	if (l->header.owners != size)
		return "its map of relay ports has another size than they have";
	for (uint32_t i = 0; i < size; i++)
		if (__atomic_load_n(&owners(l)[i], __ATOMIC_RELAXED) >= l->header.workers)
			return "its map of relay ports names a worker that it does not have";
	if (l->capabilities.placement == TP_PLACEMENT_EVERY)
		return NULL;
	l->slots = calloc(l->capabilities.allocations, sizeof(*l->slots));
	return !l->slots ? "there is no memory for its allocations" : NULL;
}

void shm_place_end(struct shm_link *l)
{
	free(l->slots);
	l->slots = NULL;
}
