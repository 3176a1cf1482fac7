// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Mobility (RFC 8016): a client that shows its ticket from another 5-tuple keeps its allocation. From the answer
// on the dataplane takes its data from both, and sends to the former one until data has come from the new one
// (section 3.2.2); then that is the only one.
#include <errno.h>
#include <string.h>

#include "reply.h"

void turn_put_ticket(struct turn_server *s, struct stun_writer *w, uint32_t slot)
{
	const struct ticket ticket = {.serial = table_record(s->table, slot)->serial,
		.slot = slot,
		.number = table_ticket(s->table, slot)};
	uint8_t sealed[TICKET_LENGTH];

	if (ticket_close(s->seal, &ticket, sealed) == 0)
		stun_put(w, TP_ATTR_MOBILITY_TICKET, sealed, sizeof(sealed));
	else
		w->error = -EIO;
}

// Opens the ticket. Returns 0; 400: it is none of ours; 437: what it stood for is gone.
static unsigned int open_ticket(const struct request *r, struct ticket *t)
{
	const struct turn_server *s = r->s;
	const struct tp_vault_header *h = s->table->vault.header;

	if (r->m->mobility_ticket.length != TICKET_LENGTH ||
		ticket_open(s->seal, r->m->mobility_ticket.data, t) != 0 ||
		t->slot >= h->allocations || !t->serial || t->serial > h->serial || !t->number)
		return 400;
	if (s->table->slots[t->slot].state != SLOT_LIVE || s->table->slots[t->slot].pending ||
		table_record(s->table, t->slot)->serial != t->serial ||
		table_record(s->table, t->slot)->expires_ms <= s->now_ms)
		return 437;
	return t->number <= table_ticket(s->table, t->slot) ? 0 : 400;
}

// Whether the request comes from where the client is, or moves to.
static bool comes_from_newest(const struct request *r, uint32_t slot)
{
	const struct table *t = r->s->table;
	const struct tp_vault_allocation *a = table_record(t, slot);
	const bool moving = table_moving(t, slot);
	const struct tp_endpoint client = moving ? vault_next(a) : vault_client(a);
	const struct tp_endpoint server = moving ? table_next_server(t, slot)
						 : table_server(t, slot);

	return tp_endpoint_equal(&client, &r->punt->client) &&
	       tp_endpoint_equal(&server, &r->server);
}

// Whether the ticket may be used from this 5-tuple. *again: this is the request that moved the client, once more.
static unsigned int check_ticket(const struct request *r, const struct ticket *t, bool *again)
{
	const struct table *table = r->s->table;
	const uint32_t current = table_ticket(table, t->slot);

	*again = false;
	if (r->slot != TABLE_NONE &&
		(r->slot == t->slot || table->slots[r->slot].twin == t->slot)) {
		*again = t->number + 1 == current && comes_from_newest(r, t->slot);
		return *again ? 0 : 400;
	}
	if (t->number != current)
		return 400; // it has been used: the client was told another
	if (r->slot != TABLE_NONE)
		return 437;
	return policy_tunnelled(&r->punt->client.ip) ? 403 : 0;
}

// The transactions of a move: all that a worker needs that has not had this allocation, and at the end, with the
// answer, the move.
struct batch {
	struct turn_server *s;
	struct pending *p;
	uint32_t worker;
	uint32_t count;
	struct tp_command commands[LINK_COMMANDS_MAX];
};

static int send_batch(struct batch *b, const struct tp_send *reply, const void *bytes)
{
	int err = turn_submit(b->s, b->p->id, b->worker, b->commands, b->count, reply, bytes);

	b->p->move.left += err == 0;
	b->count = 0;
	return err;
}

static int add(struct batch *b, struct tp_command c)
{
	int err = b->count == LINK_COMMANDS_MAX ? send_batch(b, NULL, NULL) : 0;

	b->commands[b->count++] = c;
	return err;
}

static int send_move(struct batch *b, const uint32_t *halves, uint32_t n,
	const struct tp_send *reply, const void *bytes)
{
	int err = 0;

	for (uint32_t i = 0; i < n && !err; i++) {
		uint32_t peer = b->s->table->slots[halves[i]].peers;

		err = add(b, command_allocation(b->s, halves[i]));
		for (; peer != TABLE_NONE && !err; peer = b->s->table->peers[peer].next)
			err = add(b, command_peer(b->s, peer));
	}
	// Moves and answer are one transaction: what is not announced must not be in force.
	if (!err && b->count + n > LINK_COMMANDS_MAX)
		err = send_batch(b, NULL, NULL);
	for (uint32_t i = 0; i < n && !err; i++)
		err = add(b, command_move(b->s, halves[i]));
	return err ? err : send_batch(b, reply, bytes);
}

// As things were, in the table.
static void undo(struct turn_server *s, const struct pending *p)
{
	for (uint32_t i = 0; i < p->halves; i++) {
		const uint32_t slot = p->half[i].slot;

		if (!pending_still_there(s, p, i))
			continue;
		table_undo_move(s->table, slot, &p->move.was[i].move);
		// A Refresh may have granted more meanwhile: that stays.
		if (table_record(s->table, slot)->expires_ms == p->move.was[i].granted_ms)
			table_set_expiry(s->table, slot, p->move.was[i].expires_ms);
		table_record(s->table, slot)->worker = p->move.was[i].worker;
		s->table->slots[slot].next_server = p->move.was[i].next_server;
		s->table->slots[slot].move_pending = 0;
	}
}

// One half's record. Returns 0, -EDQUOT or -ENOSPC.
static int begin(struct request *r, struct pending *p, uint32_t slot)
{
	struct turn_server *s = r->s;
	struct tp_vault_allocation *a = table_record(s->table, slot);
	struct slot *t = &s->table->slots[slot];
	const uint32_t i = p->halves;
	int err;

	p->move.was[i].move = table_move_of(s->table, slot);
	p->move.was[i].expires_ms = p->move.was[i].granted_ms = a->expires_ms;
	p->move.was[i].worker = a->worker;
	p->move.was[i].next_server = t->next_server;
	err = table_begin_move(s->table, slot, &r->punt->client, &r->server);
	if (err)
		return err;
	pending_add_half(s, p, slot);
	a->worker = turn_worker_of(s, r->punt->client, r->to.worker);
	t->next_server = r->punt->server;
	t->move_pending = 1;
	return 0;
}

static void move(struct request *r, const struct refresh *f)
{
	struct turn_server *s = r->s;
	const uint32_t halves[2] = {r->slot, s->table->slots[r->slot].twin};
	const uint32_t n = halves[1] == TABLE_NONE ? 1 : 2;
	struct pending *p = pending_take(s, TX_MOVE);
	struct batch b = {.s = s, .p = p};
	uint8_t bytes[REPLY_MAX];
	int err = 0;

	if (!p) {
		turn_count(s, TP_CC_drop_congested);
		return;
	}
	pending_fill(p, r);
	for (uint32_t i = 0; i < n && !err; i++)
		err = begin(r, p, halves[i]);
	if (err) {
		undo(s, p);
		pending_end(s, p);
		reply_error(s, &r->to, err == -EDQUOT ? 486 : 508, NULL);
		return;
	}
	for (uint32_t i = 0; i < f->count; i++)
		table_set_expiry(s->table, f->slots[i], s->now_ms + 1000ull * f->lifetime_s);
	for (uint32_t i = 0; i < n; i++)
		p->move.was[i].granted_ms = table_record(s->table, halves[i])->expires_ms;
	refresh_answer(r, f->lifetime_s, bytes);
	b.worker = table_record(s->table, r->slot)->worker;
	if (send_move(&b, halves, n, &r->to.head, bytes) == 0) {
		turn_count(s, TP_CC_success_responses);
		return;
	}
	// Nothing but what was in force before has left.
	undo(s, p);
	p->move.abandoned = true;
	if (!p->move.left)
		pending_end(s, p);
	turn_count(s, TP_CC_drop_congested);
}

void turn_refresh_with_ticket(struct request *r)
{
	struct turn_server *s = r->s;
	struct ticket ticket;
	struct refresh f;
	unsigned int code = s->mobility ? open_ticket(r, &ticket) : 405;
	bool again = false;

	if (!code && memcmp(table_record(s->table, ticket.slot)->user_hash, r->auth.user_hash, 16))
		code = 441;
	if (!code)
		code = check_ticket(r, &ticket, &again);
	if (code) {
		reply_error(s, &r->to, code, NULL);
		return;
	}
	r->slot = table_of_family(s->table, ticket.slot, TP_IPV4);
	if (r->slot == TABLE_NONE)
		r->slot = ticket.slot;
	// Its first answer is on the way.
	if (s->table->slots[r->slot].move_pending) {
		turn_count(s, TP_CC_retransmissions);
		return;
	}
	if (!turn_allocation_ready(r))
		return;
	code = refresh_read(r, &f);
	if (code) {
		reply_error(s, &r->to, code, NULL);
		return;
	}
	r->ticket = true;
	if (again)
		turn_count(s, TP_CC_retransmissions);
	if (again || !f.lifetime_s)
		refresh_do(r, &f);
	else
		move(r, &f);
}

// The dataplane refused: as it was, on both sides.
static void refuse(struct turn_server *s, struct pending *p)
{
	const bool answer = pending_still_there(s, p, 0);

	turn_count(s, TP_CC_commands_failed);
	undo(s, p);
	for (uint32_t i = 0; i < p->halves; i++) {
		const uint32_t slot = p->half[i].slot;
		struct tp_command c[2];

		if (!pending_still_there(s, p, i) ||
			s->table->slots[slot].in_force != s->generation)
			continue;
		c[0] = command_allocation(s, slot);
		c[1] = command_move(s, slot);
		// Without room now: the dataplane's allocation ends later than ours, and what it says of
		// arrivals is not believed.
		turn_submit(s, turn_id(TX_PEER, ++s->pending_serial, 0),
			table_record(s->table, slot)->worker, c, 2, NULL, NULL);
	}
	if (answer && pending_answers(s, p))
		reply_error(s, &p->to, 508, NULL);
}

void turn_move_outcome(struct turn_server *s, struct pending *p, uint32_t status)
{
	if (status == TP_STATUS_COUNT)
		p->move.detached = true;
	else if (status != TP_STATUS_OK && !p->move.refusal)
		p->move.refusal = status;
	if (--p->move.left)
		return;
	if (!p->move.abandoned && p->move.refusal)
		refuse(s, p);
	for (uint32_t i = 0; i < p->halves && !p->move.abandoned && !p->move.refusal; i++) {
		if (!pending_still_there(s, p, i))
			continue;
		s->table->slots[p->half[i].slot].move_pending = 0;
		// Without a dataplane the record stays, and the client asks again.
		if (p->move.detached)
			continue;
		turn_count(s, TP_CC_allocations_moved);
		trace_slot(s, TURN_TRACE_MOVE, p->half[i].slot);
	}
	pending_end(s, p);
}

void turn_arrival(struct turn_server *s, const struct tp_arrival *arrival)
{
	const uint32_t slot = arrival->allocation;
	struct table *t = s->table;
	const struct tp_endpoint *server = &s->capabilities.server[arrival->server];
	uint32_t halves[2];
	struct tp_command c;

	if (slot >= t->vault.header->allocations || t->slots[slot].state != SLOT_LIVE ||
		t->slots[slot].in_force != s->generation || t->slots[slot].move_pending)
		return;
	// Also one that has been settled here: then the dataplane has not heard of it.
	halves[0] = table_find(t, &arrival->client, server, arrival->transport);
	if (halves[0] == TABLE_NONE)
		return;
	halves[1] = t->slots[halves[0]].twin;
	if (halves[0] != slot && halves[1] != slot)
		return;
	for (uint32_t i = 0; i < 2 && halves[i] != TABLE_NONE; i++) {
		if (table_moving(t, halves[i])) {
			const struct tp_endpoint next = vault_next(table_record(t, halves[i]));

			// From where it was: that is no news.
			if (!tp_endpoint_equal(&next, &arrival->client))
				return;
			table_end_move(t, halves[i]);
			turn_count(s, TP_CC_moves_settled);
		}
		// One that can't be had is lost, as in a replay. Without room now we are told again.
		c = command_allocation(s, halves[i]);
		turn_submit(s, turn_id(TX_REPLAY, table_record(t, halves[i])->serial, halves[i]),
			table_record(t, halves[i])->worker, &c, 1, NULL, NULL);
	}
}
