// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "state.h"

struct tp_command command_allocation(struct turn_server *s, uint32_t slot)
{
	const struct tp_vault_allocation *a = table_record(s->table, slot);
	const struct slot *t = &s->table->slots[slot];
	struct tp_command c = {
		.expires_ms = a->expires_ms,
		.allocation = slot,
		.generation = s->generation,
		.kind = TP_PUT_ALLOCATION,
		.relay_port = a->relay_port,
		.relay = s->table->relays[t->relay].published,
		.server = t->server,
		.transport = a->transport,
		.client = vault_client(a),
	};

	rates_fill(s, slot, &c);
	return c;
}

struct tp_command command_move(const struct turn_server *s, uint32_t slot)
{
	const struct tp_vault_allocation *a = table_record(s->table, slot);
	const struct slot *t = &s->table->slots[slot];
	const bool moving = table_moving(s->table, slot);
	struct tp_command c = {
		.allocation = slot,
		.generation = s->generation,
		.kind = TP_MOVE_ALLOCATION,
		.server = moving ? t->next_server : t->server,
		.transport = a->transport,
		.client = moving ? vault_next(a) : vault_client(a),
	};

	return c;
}

struct tp_command command_peer(const struct turn_server *s, uint32_t index)
{
	const struct tp_vault_peer *p = table_peer(s->table, index);
	struct tp_command c = {
		.expires_ms = p->expires_ms,
		.allocation = p->allocation,
		.generation = s->generation,
		.kind = p->channel ? TP_PUT_CHANNEL : TP_PUT_PERMISSION,
		.channel = p->channel,
		.peer = vault_peer(p),
	};

	return c;
}

struct tp_command command_drop_peer(const struct turn_server *s, uint32_t index)
{
	const struct tp_vault_peer *p = table_peer(s->table, index);
	struct tp_command c = {
		.allocation = p->allocation,
		.generation = s->generation,
		.kind = p->channel ? TP_DROP_CHANNEL : TP_DROP_PERMISSION,
		.channel = p->channel,
	};

	// A channel goes by its number, a permission by its address.
	if (!p->channel)
		c.peer.ip = p->ip;
	return c;
}

int turn_submit(struct turn_server *s, uint64_t id, uint32_t worker, struct tp_command *commands,
	uint32_t n, const struct tp_send *reply, const void *bytes)
{
	struct link_transaction t = {.id = id,
		.worker = worker,
		.count = n,
		.commands = commands,
		.reply = reply,
		.bytes = bytes};

	return s->link->ops->submit(s->link, &t);
}
