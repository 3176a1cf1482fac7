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

	if (t->state == SLOT_LIVE)
		table_drop(s->table, slot);
	t->pending = 0;
	if (!s->attached) {
		table_dropped(s->table, slot);
		return -ENOTCONN;
	}
	// A worker of an earlier dataplane may not be there any more.
	if (t->in_force != s->generation)
		a->worker = s->link->ops->worker(s->link, &a->client, a->worker);
	err = turn_submit(s, turn_id(TX_DROP, a->serial, slot), a->worker, &c, 1, reply, bytes);
	t->in_force = err ? SLOT_DROP_UNSENT : s->generation;
	return err;
}

static void answer(struct request *r, uint32_t lifetime_s, uint8_t bytes[REPLY_MAX])
{
	struct stun_writer w;

	reply_begin(&w, &r->to, TP_STUN_SUCCESS, bytes);
	stun_put_u32(&w, TP_ATTR_LIFETIME, lifetime_s);
	if (reply_finish(r->s, &r->to, &w) <= 0)
		r->to.head.length = 0;
}

static void extend(struct request *r, uint32_t lifetime_s)
{
	struct turn_server *s = r->s;
	struct tp_vault_allocation *a = table_record(s->table, r->slot);
	uint64_t before = a->expires_ms;
	struct pending *p = pending_take(s, TX_REFRESH);
	struct tp_command c;
	uint8_t bytes[REPLY_MAX];

	if (!p) {
		turn_count(s, TP_CC_drop_congested);
		return;
	}
	pending_fill(p, r, r->slot);
	table_set_expiry(s->table, r->slot, s->now_ms + 1000ull * lifetime_s);
	answer(r, lifetime_s, bytes);
	c = command_allocation(s, r->slot);
	if (turn_submit(s, p->id, a->worker, &c, 1, &r->to.head, bytes) != 0) {
		table_set_expiry(s->table, r->slot, before);
		pending_end(s, p);
		turn_count(s, TP_CC_drop_congested);
		return;
	}
	turn_count(s, TP_CC_success_responses);
}

void turn_refresh(struct request *r)
{
	struct turn_server *s = r->s;
	const struct stun_message *m = r->m;
	uint32_t wanted = m->has & STUN_HAS_LIFETIME ? m->lifetime_s : TURN_LIFETIME_DEFAULT_S;
	uint8_t bytes[REPLY_MAX];

	if (m->malformed) {
		reply_error(s, &r->to, 400, NULL);
		return;
	}
	if ((m->has & STUN_HAS_REQUESTED_FAMILY) &&
		m->requested_family != tp_ip_family(&table_record(s->table, r->slot)->relay)) {
		reply_error(s, &r->to, 443, NULL);
		return;
	}
	if (wanted == 0) {
		answer(r, 0, bytes);
		turn_count(s, TP_CC_allocations_deleted);
		turn_count(s, turn_drop(s, r->slot, &r->to.head, bytes) == 0
				      ? TP_CC_success_responses
				      : TP_CC_drop_congested);
		return;
	}
	if (wanted > TURN_LIFETIME_MAX_S)
		wanted = TURN_LIFETIME_MAX_S;
	extend(r, wanted > TURN_LIFETIME_DEFAULT_S ? wanted : TURN_LIFETIME_DEFAULT_S);
}
