// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Refresh (RFC 8656 section 8.2), and the end of allocations.
#include <errno.h>

#include "reply.h"

int turn_drop(struct turn_server *s, uint32_t slot, const struct tp_send *reply, const void *bytes)
{
	struct slot *t = &s->table->slots[slot];
	struct tp_command c = {
		.kind = TP_DROP_ALLOCATION, .allocation = slot, .generation = s->generation};
	struct tp_vault_allocation *a = table_record(s->table, slot);
	int err;

	if (t->state == SLOT_LIVE) {
		// What nobody was told of has no end.
		if (!t->pending)
			trace_slot(s, TURN_TRACE_END, slot);
		table_drop(s->table, slot);
	}
	t->pending = 0;
	if (!s->attached) {
		table_dropped(s->table, slot);
		return -ENOTCONN;
	}
	// A worker of an earlier dataplane may not be there any more.
	if (t->in_force != s->generation)
		a->worker = turn_worker_of(s, vault_client(a), a->worker);
	err = turn_submit(s, turn_id(TX_DROP, a->serial, slot), a->worker, &c, 1, reply, bytes);
	t->in_force = err ? SLOT_DROP_UNSENT : s->generation;
	if (err) {
		t->next = s->unsent;
		s->unsent = slot;
	}
	return err;
}

int turn_send_drops(struct turn_server *s)
{
	while (s->unsent != TABLE_NONE) {
		const uint32_t slot = s->unsent;
		int err;

		s->unsent = s->table->slots[slot].next;
		err = turn_drop(s, slot, NULL, NULL);
		if (err && s->attached)
			return err;
	}
	return 0;
}

int turn_drop_all(
	struct turn_server *s, uint32_t slot, const struct tp_send *reply, const void *bytes)
{
	uint32_t twin = s->table->slots[slot].twin;

	// One FIFO: the answer goes behind both.
	if (twin != TABLE_NONE)
		turn_drop(s, twin, NULL, NULL);
	return turn_drop(s, slot, reply, bytes);
}

// The slots that a Refresh is about: all that the allocation has, or the one of the family that it names.
// Returns how many; 0: it has none of that family.
static uint32_t meant(const struct request *r, uint32_t slots[2])
{
	const struct table *t = r->s->table;
	const struct stun_message *m = r->m;

	slots[0] = r->slot;
	slots[1] = t->slots[r->slot].twin;
	if (m->has & STUN_HAS_REQUESTED_FAMILY) {
		if (m->requested_family != TP_IPV4 && m->requested_family != TP_IPV6)
			return 0;
		slots[0] = table_of_family(t, r->slot, m->requested_family);
		slots[1] = TABLE_NONE;
	}
	return (slots[0] != TABLE_NONE) + (slots[1] != TABLE_NONE);
}

void refresh_answer(struct request *r, uint32_t lifetime_s, uint8_t *bytes)
{
	struct stun_writer w;

	reply_begin(&w, &r->to, TP_STUN_SUCCESS, bytes);
	stun_put_u32(&w, TP_ATTR_LIFETIME, lifetime_s);
	if (r->ticket)
		turn_put_ticket(r->s, &w, r->slot);
	if (reply_finish(r->s, &r->to, &w) <= 0)
		r->to.head.length = 0;
}

static void extend(struct request *r, const struct refresh *f)
{
	struct turn_server *s = r->s;
	struct pending *p = pending_take(s, TX_REFRESH);
	struct tp_command c[2];
	uint64_t before[2];
	uint8_t bytes[REPLY_MAX];

	if (!p) {
		turn_count(s, TP_CC_drop_congested);
		return;
	}
	pending_fill(p, r);
	for (uint32_t i = 0; i < f->count; i++) {
		before[i] = table_record(s->table, f->slots[i])->expires_ms;
		table_set_expiry(s->table, f->slots[i], s->now_ms + 1000ull * f->lifetime_s);
		c[i] = command_allocation(s, f->slots[i]);
		pending_add_half(s, p, f->slots[i]);
	}
	refresh_answer(r, f->lifetime_s, bytes);
	if (turn_submit(s, p->id, table_record(s->table, f->slots[0])->worker, c, f->count,
		    &r->to.head, bytes) != 0) {
		for (uint32_t i = 0; i < f->count; i++)
			table_set_expiry(s->table, f->slots[i], before[i]);
		pending_end(s, p);
		turn_count(s, TP_CC_drop_congested);
		return;
	}
	turn_count(s, TP_CC_success_responses);
}

static void delete (struct request *r, uint32_t slot, bool all)
{
	struct turn_server *s = r->s;
	const uint32_t twin = s->table->slots[slot].twin;
	uint8_t bytes[REPLY_MAX];

	// The ticket may have named the half that goes: the other one's is another.
	r->ticket = !all && twin != TABLE_NONE && table_ticket(s->table, twin);
	r->slot = r->ticket ? twin : slot;
	refresh_answer(r, 0, bytes);
	turn_count(s, TP_CC_allocations_deleted);
	turn_count(s, (all ? turn_drop_all : turn_drop)(s, slot, &r->to.head, bytes) == 0
			      ? TP_CC_success_responses
			      : TP_CC_drop_congested);
}

unsigned int refresh_read(const struct request *r, struct refresh *f)
{
	const struct stun_message *m = r->m;
	uint32_t wanted = m->has & STUN_HAS_LIFETIME ? m->lifetime_s : TURN_LIFETIME_DEFAULT_S;

	if (m->malformed)
		return 400;
	f->count = meant(r, f->slots);
	if (!f->count)
		return 443;
	if (wanted > TURN_LIFETIME_MAX_S)
		wanted = TURN_LIFETIME_MAX_S;
	f->lifetime_s = wanted && wanted < TURN_LIFETIME_DEFAULT_S ? TURN_LIFETIME_DEFAULT_S
								   : wanted;
	return 0;
}

void refresh_do(struct request *r, const struct refresh *f)
{
	if (f->lifetime_s)
		extend(r, f);
	else
		delete (r, f->slots[0], f->count == 2);
}

void turn_refresh(struct request *r)
{
	struct refresh f;
	unsigned int code = refresh_read(r, &f);

	if (code)
		reply_error(r->s, &r->to, code, NULL);
	else
		refresh_do(r, &f);
}
