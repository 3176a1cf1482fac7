// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// After an attach everything is put again under a new generation, at the pace at which the dataplane
// takes it; then what is older is swept. A request for an allocation whose turn hasn't come brings it
// forward.
#include "state.h"

// The published index of a server address, TP_SERVERS_MAX: there is none.
static uint32_t find_server(const struct turn_server *s, const struct tp_vault_allocation *a)
{
	uint32_t i = 0;

	while (i < s->capabilities.servers &&
		!(tp_ip_equal(&s->capabilities.server[i].ip, &a->server) &&
			s->capabilities.server[i].port == a->server_port))
		i++;
	return i < s->capabilities.servers ? i : TP_SERVERS_MAX;
}

static void map_relays(struct turn_server *s)
{
	for (uint32_t i = 0; i < s->table->relays_count; i++) {
		struct table_relay *r = &s->table->relays[i];

		r->published = 0xff;
		for (uint32_t k = 0; k < s->capabilities.relays; k++) {
			if (tp_ip_equal(&s->capabilities.relay[k].local, &r->local))
				r->published = (uint8_t)k;
		}
	}
}

int replay_slot(struct turn_server *s, uint32_t slot)
{
	struct slot *t = &s->table->slots[slot];
	struct tp_vault_allocation *a = table_record(s->table, slot);
	uint64_t id = turn_id(TX_REPLAY, a->serial, slot);
	struct tp_command commands[LINK_COMMANDS_MAX];
	uint32_t n = 0, i = t->peers;
	int err;

	if (t->in_force == s->generation)
		return 0;
	t->server = (uint16_t)find_server(s, a);
	if (t->server == TP_SERVERS_MAX || s->table->relays[t->relay].published == 0xff ||
		slot >= s->capabilities.allocations) {
		turn_count(s, TP_CC_allocations_lost);
		turn_drop(s, slot, NULL, NULL);
		return -1;
	}
	a->worker = s->link->ops->worker(s->link, &a->client, a->worker);
	commands[n++] = command_allocation(s, slot);
	do {
		for (; i != TABLE_NONE && n < LINK_COMMANDS_MAX; i = s->table->peers[i].next)
			commands[n++] = command_peer(s, i);
		err = turn_submit(s, id, a->worker, commands, n, NULL, NULL);
		if (err)
			return err; // puts are idempotent: the whole of it again, later
		n = 0;
	} while (i != TABLE_NONE);
	t->in_force = s->generation;
	t->pending = 0;
	return 0;
}

void replay_step(struct turn_server *s)
{
	uint32_t total = s->table->vault.header->allocations;
	struct tp_command sweep = {.kind = TP_SWEEP, .generation = s->generation};

	for (; s->replay_cursor < total; s->replay_cursor++) {
		if (s->table->slots[s->replay_cursor].state == SLOT_LIVE &&
			replay_slot(s, s->replay_cursor) != 0 &&
			s->table->slots[s->replay_cursor].state == SLOT_LIVE)
			return;
	}
	if (!s->replay_done && turn_submit(s, turn_id(TX_SWEEP, s->generation, 0),
				       LINK_EVERY_WORKER, &sweep, 1, NULL, NULL) == 0)
		s->replay_done = true;
}

void replay_start(struct turn_server *s)
{
	map_relays(s);
	// 0 means "nowhere", also after four billion attachments.
	if (++s->table->vault.header->generation == 0)
		s->table->vault.header->generation = 1;
	s->generation = s->table->vault.header->generation;
	s->replay_cursor = 0;
	s->replay_done = s->ready = false;
	replay_step(s);
	s->link->ops->flush(s->link);
}
