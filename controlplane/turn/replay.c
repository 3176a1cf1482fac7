// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// After an attach everything is put again under a new generation, at the pace at which the dataplane
// takes it; then what is older is swept. A request for an allocation whose turn hasn't come brings it
// forward.
#include "state.h"

// The published index of a server address, TP_SERVERS_MAX: there is none.
static uint8_t find_server(const struct turn_server *s, struct tp_endpoint server)
{
	uint8_t i = 0;

	while (i < s->capabilities.servers &&
		!tp_endpoint_equal(&s->capabilities.server[i], &server))
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

// Where the slot's client reached us, and where it moves to. False: we don't listen there any more.
static bool map_servers(struct turn_server *s, uint32_t slot)
{
	struct slot *t = &s->table->slots[slot];
	const struct table_move still = {
		.mobility = tp_mobility(table_ticket(s->table, slot), TP_VAULT_STILL)};

	t->server = find_server(s, table_server(s->table, slot));
	if (table_moving(s->table, slot)) {
		t->next_server = find_server(s, table_next_server(s->table, slot));
		if (t->next_server == TP_SERVERS_MAX)
			table_undo_move(s->table, slot, &still);
	}
	return t->server != TP_SERVERS_MAX;
}

// Everything of a slot to a worker, and to whoever has it already. Returns 0 or what submit returned.
static int put(struct turn_server *s, uint32_t slot, uint32_t worker)
{
	const uint64_t id = turn_id(TX_REPLAY, table_record(s->table, slot)->serial, slot);
	struct tp_command commands[LINK_COMMANDS_MAX];
	uint32_t n = 0, i = s->table->slots[slot].peers;
	int err;

	commands[n++] = command_allocation(s, slot);
	if (table_moving(s->table, slot))
		commands[n++] = command_move(s, slot);
	do {
		for (; i != TABLE_NONE && n < LINK_COMMANDS_MAX; i = s->table->peers[i].next)
			commands[n++] = command_peer(s, i);
		err = turn_submit(s, id, worker, commands, n, NULL, NULL);
		if (err)
			return err; // puts are idempotent: the whole of it again, later
		n = 0;
	} while (i != TABLE_NONE);
	return 0;
}

int replay_slot(struct turn_server *s, uint32_t slot)
{
	struct slot *t = &s->table->slots[slot];
	struct tp_vault_allocation *a = table_record(s->table, slot);
	uint8_t worker;
	int err;

	if (t->in_force == s->generation)
		return 0;
	if (!map_servers(s, slot) || s->table->relays[t->relay].published == 0xff ||
		slot >= s->capabilities.allocations) {
		turn_count(s, TP_CC_allocations_lost);
		turn_drop(s, slot, NULL, NULL);
		return -1;
	}
	worker = turn_worker_of(s, vault_client(a), a->worker);
	err = put(s, slot, worker);
	// A moving client's packets come to the worker of either address.
	if (!err && table_moving(s->table, slot)) {
		a->worker = turn_worker_of(s, vault_next(a), a->worker);
		err = a->worker == worker ? 0 : put(s, slot, a->worker);
	} else if (!err) {
		a->worker = worker;
	}
	if (err)
		return err;
	t->in_force = s->generation;
	t->pending = t->move_pending = 0;
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
