// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Who was given what, for whoever has to find an abuser later.
#include "state.h"

static struct turn_trace trace_of(
	const struct turn_server *s, enum turn_trace_kind kind, uint32_t slot)
{
	const struct tp_vault_allocation *a = table_record(s->table, slot);
	// A move is told with where the client is from now on, and where it reached us from there.
	const bool next = kind == TURN_TRACE_MOVE && table_moving(s->table, slot);
	struct turn_trace t = {
		.kind = kind,
		.now_ms = s->now_ms,
		.wall_s = s->wall_s,
		.user = a->user,
		.user_kept = a->user_length < TP_USER_MAX ? a->user_length : TP_USER_MAX,
		.user_length = a->user_length,
		.client = next ? vault_next(a) : vault_client(a),
		.server = next ? table_next_server(s->table, slot) : table_server(s->table, slot),
		.relayed = turn_relayed(s, slot),
	};

	return t;
}

void trace_slot(const struct turn_server *s, enum turn_trace_kind kind, uint32_t slot)
{
	struct turn_trace t;

	if (!s->trace)
		return;
	t = trace_of(s, kind, slot);
	s->trace(s->trace_context, &t);
}

void trace_peer(const struct turn_server *s, uint32_t index)
{
	const struct tp_vault_peer *p = table_peer(s->table, index);
	struct turn_trace t;

	if (!s->trace)
		return;
	t = trace_of(s, p->channel ? TURN_TRACE_CHANNEL : TURN_TRACE_PERMISSION, p->allocation);
	t.peer = vault_peer(p);
	t.channel = p->channel;
	s->trace(s->trace_context, &t);
}
