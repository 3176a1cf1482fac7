// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Allocate (RFC 8656 section 7.2): the checks in the order of the text.
#include <errno.h>
#include <string.h>

#include "reply.h"

int allocate_answer(struct turn_server *s, struct responder *to, uint32_t slot, uint8_t *bytes)
{
	const struct tp_vault_allocation *a = table_record(s->table, slot);
	struct tp_endpoint relayed = {
		.ip = s->table->relays[s->table->slots[slot].relay].public_,
		.port = a->relay_port,
	};
	struct stun_writer w;

	reply_begin(&w, to, TP_STUN_SUCCESS, bytes);
	stun_put_xor_address(&w, TP_ATTR_XOR_RELAYED_ADDRESS, &relayed);
	stun_put_u32(&w, TP_ATTR_LIFETIME, a->lifetime_s);
	stun_put_xor_address(&w, TP_ATTR_XOR_MAPPED_ADDRESS, &a->client);
	return reply_finish(s, to, &w);
}

// A retransmission of the Allocate that made this allocation gets the same answer, from the record, and with
// it once more the command: the answer leaves only if the dataplane has what it announces.
static void answer_again(struct request *r)
{
	struct turn_server *s = r->s;
	const struct tp_vault_allocation *a = table_record(s->table, r->slot);
	struct tp_command c;
	uint8_t bytes[REPLY_MAX];

	turn_count(s, TP_CC_retransmissions);
	// Its first answer is on the way, unless its port turns out to be taken.
	if (s->table->slots[r->slot].pending)
		return;
	if (!turn_in_force(r))
		return;
	c = command_allocation(s, r->slot);
	if (allocate_answer(s, &r->to, r->slot, bytes) > 0 &&
		turn_submit(s, turn_id(TX_REPLAY, a->serial, r->slot), a->worker, &c, 1,
			&r->to.head, bytes) == 0)
		turn_count(s, TP_CC_success_responses);
	else
		turn_count(s, TP_CC_drop_congested);
}

// The relay addresses of this family that are configured and published. Returns how many.
static uint32_t relays_of(
	const struct turn_server *s, uint8_t family, uint8_t relays[TP_RELAYS_MAX])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->table->relays_count; i++) {
		const struct table_relay *relay = &s->table->relays[i];

		if (relay->published != 0xff && tp_ip_family(&relay->local) == family)
			relays[n++] = (uint8_t)i;
	}
	return n;
}

// Checks 3 to 9 of the section. Returns 0 or the error code; the family of the relay in *family.
static unsigned int check(
	const struct turn_server *s, const struct stun_message *m, uint8_t *family)
{
	uint8_t relays[TP_RELAYS_MAX];

	*family = TP_IPV4;
	if (!(m->has & STUN_HAS_REQUESTED_TRANSPORT) || m->malformed)
		return 400;
	if (m->requested_transport != TP_PROTO_UDP)
		return 442;
	if (m->has & STUN_HAS_RESERVATION_TOKEN) {
		if (m->has & (STUN_HAS_EVEN_PORT | STUN_HAS_REQUESTED_FAMILY |
				     STUN_HAS_ADDITIONAL_FAMILY))
			return 400;
		return 508; // no reservation is ever made, so no token is right
	}
	if ((m->has & STUN_HAS_REQUESTED_FAMILY) && (m->has & STUN_HAS_ADDITIONAL_FAMILY))
		return 400;
	if (m->has & STUN_HAS_REQUESTED_FAMILY)
		*family = m->requested_family;
	if (!relays_of(s, *family, relays))
		return 440;
	if ((m->has & STUN_HAS_EVEN_PORT) && m->even_port_reserve)
		return m->has & STUN_HAS_ADDITIONAL_FAMILY ? 400 : 508;
	if ((m->has & STUN_HAS_ADDITIONAL_FAMILY) && m->additional_family != TP_IPV6)
		return 400;
	return 0;
}

static uint32_t lifetime(const struct stun_message *m)
{
	uint32_t wanted = m->has & STUN_HAS_LIFETIME ? m->lifetime_s : 0;

	if (wanted > TURN_LIFETIME_MAX_S)
		wanted = TURN_LIFETIME_MAX_S;
	return wanted > TURN_LIFETIME_DEFAULT_S ? wanted : TURN_LIFETIME_DEFAULT_S;
}

static struct tp_vault_allocation record_of(const struct request *r)
{
	uint32_t granted = lifetime(r->m);
	struct tp_vault_allocation a = {
		.worker = r->to.worker,
		.expires_ms = r->s->now_ms + 1000ull * granted,
		.created_ms = r->s->now_ms,
		.client = r->punt->client,
		.server = r->server.ip,
		.server_port = r->server.port,
		.lifetime_s = granted,
		.transport = r->punt->transport,
	};
	size_t n = r->auth.user_length;

	memcpy(a.user_hash, r->auth.user_hash, sizeof(a.user_hash));
	memcpy(a.tid, r->m->tid, sizeof(a.tid));
	a.user_length = (uint8_t)(n > 255 ? 255 : n);
	memcpy(a.user, r->auth.user, n > TP_USER_MAX ? TP_USER_MAX : n);
	return a;
}

// Takes slot, port and quotas on one of the relay addresses of this family, in random order of start.
// Returns 0; -EDQUOT; -ENOSPC.
static int add(struct request *r, uint8_t family, bool even, uint32_t *slot)
{
	struct turn_server *s = r->s;
	struct table *t = s->table;
	struct tp_vault_allocation record = record_of(r);
	uint8_t relays[TP_RELAYS_MAX];
	uint32_t count = relays_of(s, family, relays);
	uint32_t start = (uint32_t)(((uint64_t)turn_random(s) * count) >> 32);
	int err = -ENOSPC;

	for (uint32_t n = 0; n < count; n++) {
		uint32_t i = start + n < count ? start + n : start + n - count;

		err = table_add(t, &record, relays[i], turn_random(s), even, slot);
		if (!err || err == -EDQUOT)
			return err;
	}
	return err;
}

static void submit(struct request *r, struct pending *p, uint32_t slot)
{
	struct turn_server *s = r->s;
	struct tp_command c;
	uint8_t bytes[REPLY_MAX];
	struct slot *t = &s->table->slots[slot];

	t->server = r->punt->server;
	t->in_force = s->generation;
	t->pending = 1;
	pending_fill(p, r, slot);
	c = command_allocation(s, slot);
	if (allocate_answer(s, &r->to, slot, bytes) <= 0 ||
		turn_submit(s, p->id, r->to.worker, &c, 1, &r->to.head, bytes) != 0) {
		// Nothing has left: the client's retransmission finds things as they were.
		table_drop(s->table, slot);
		table_dropped(s->table, slot);
		pending_end(s, p);
		turn_count(s, TP_CC_drop_congested);
		return;
	}
	turn_count(s, TP_CC_allocations_created);
	turn_count(s, TP_CC_success_responses);
}

void turn_allocate(struct request *r)
{
	struct turn_server *s = r->s;
	struct pending *p;
	uint8_t family;
	unsigned int code;
	uint32_t slot;
	int err;

	if (r->slot != TABLE_NONE) {
		const struct tp_vault_allocation *a = table_record(s->table, r->slot);

		if (!memcmp(a->tid, r->m->tid, sizeof(a->tid)) &&
			!memcmp(a->user_hash, r->auth.user_hash, sizeof(a->user_hash)))
			answer_again(r);
		else
			reply_error(s, &r->to, 437, NULL);
		return;
	}
	code = check(s, r->m, &family);
	if (code) {
		reply_error(s, &r->to, code, NULL);
		return;
	}
	p = pending_take(s, TX_ALLOCATE);
	if (!p) {
		turn_count(s, TP_CC_drop_congested);
		return;
	}
	p->even = r->m->has & STUN_HAS_EVEN_PORT;
	err = add(r, family, p->even, &slot);
	if (err) {
		pending_end(s, p);
		reply_error(s, &r->to, err == -EDQUOT ? 486 : 508, NULL);
		return;
	}
	submit(r, p, slot);
}
