// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Allocate (RFC 8656 section 7.2): the checks in the order of the text.
#include <errno.h>
#include <string.h>

#include "reply.h"

struct tp_endpoint turn_relayed(const struct turn_server *s, uint32_t slot)
{
	return (struct tp_endpoint){
		.ip = s->table->relays[s->table->slots[slot].relay].public_,
		.port = table_record(s->table, slot)->relay_port,
	};
}

int allocate_answer(struct turn_server *s, struct responder *to, uint32_t slot, uint8_t *bytes)
{
	const struct tp_vault_allocation *a = table_record(s->table, slot);
	const struct slot *t = &s->table->slots[slot];
	struct tp_endpoint relayed = turn_relayed(s, slot);
	struct stun_writer w;

	reply_begin(&w, to, TP_STUN_SUCCESS, bytes);
	stun_put_xor_address(&w, TP_ATTR_XOR_RELAYED_ADDRESS, &relayed);
	if (t->twin != TABLE_NONE) {
		relayed = turn_relayed(s, t->twin);
		stun_put_xor_address(&w, TP_ATTR_XOR_RELAYED_ADDRESS, &relayed);
	}
	stun_put_u32(&w, TP_ATTR_LIFETIME, a->lifetime_s);
	if (t->reservation != RESERVATION_NONE)
		stun_put_u64(&w, TP_ATTR_RESERVATION_TOKEN,
			table_reservation(s->table, t->reservation)->token);
	stun_put_xor_address(&w, TP_ATTR_XOR_MAPPED_ADDRESS, &to->head.client);
	if (table_ticket(s->table, slot))
		turn_put_ticket(s, &w, slot);
	if (a->address_error && t->twin == TABLE_NONE)
		stun_put_address_error(&w,
			table_family(s->table, slot) == TP_IPV4 ? TP_IPV6 : TP_IPV4,
			a->address_error, reply_reason(a->address_error));
	return reply_finish(s, to, &w);
}

// Puts allocation and answer in one transaction. Returns 0, or nothing has left.
static int put(struct request *r, struct pending *p, uint32_t slot)
{
	struct turn_server *s = r->s;
	uint32_t twin = s->table->slots[slot].twin, n = 0;
	struct tp_command c[2];
	uint8_t bytes[REPLY_MAX];

	pending_fill(p, r);
	pending_add_half(s, p, slot);
	c[n++] = command_allocation(s, slot);
	if (twin != TABLE_NONE) {
		pending_add_half(s, p, twin);
		c[n++] = command_allocation(s, twin);
	}
	if (allocate_answer(s, &r->to, slot, bytes) <= 0)
		return -EMSGSIZE;
	return turn_submit(
		s, p->id, table_record(s->table, slot)->worker, c, n, &r->to.head, bytes);
}

// A retransmission of the Allocate that made this allocation gets the same answer, from the record, and with
// it once more the command: the answer leaves only if the dataplane has what it announces.
static void answer_again(struct request *r)
{
	struct turn_server *s = r->s;
	struct pending *p;

	// Its first answer is on the way, unless its port turns out to be taken.
	if (s->table->slots[r->slot].pending) {
		turn_count(s, TP_CC_drop_answer_underway);
		return;
	}
	turn_count(s, TP_CC_retransmissions);
	if (!turn_in_force(r))
		return;
	// The other half was lost before the client heard of it, or since.
	if ((r->m->has & STUN_HAS_ADDITIONAL_FAMILY) &&
		s->table->slots[r->slot].twin == TABLE_NONE &&
		!table_record(s->table, r->slot)->address_error)
		table_record(s->table, r->slot)->address_error = 508;
	p = pending_take(s, TX_REFRESH);
	if (p && put(r, p, r->slot) == 0) {
		turn_count(s, TP_CC_success_responses);
		return;
	}
	if (p)
		pending_end(s, p);
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

// What an Allocate is to have.
struct wish {
	uint8_t families[2]; // enum tp_family
	uint8_t count; // of families
	uint8_t ports; // enum ports_kind
	uint16_t address_error; // for the family that is not among them; 0: nothing to tell
	uint32_t reservation; // whose port it is to be; RESERVATION_NONE
};

static bool relays(const struct turn_server *s, uint8_t family)
{
	uint8_t found[TP_RELAYS_MAX];

	return relays_of(s, family, found) > 0;
}

// RESERVATION-TOKEN: one of this user's that is not over, and whose relay address is still there.
static unsigned int check_token(const struct request *r, struct wish *w)
{
	const struct turn_server *s = r->s;
	const struct tp_vault_reservation *k;
	uint32_t relay;

	w->reservation = reservations_find(&s->table->reservations, r->m->reservation_token);
	if (w->reservation == RESERVATION_NONE)
		return 508;
	k = table_reservation(s->table, w->reservation);
	relay = table_relay_at(s->table, k->relay);
	if (k->expires_ms <= s->now_ms ||
		memcmp(k->user_hash, r->auth.user_hash, sizeof(k->user_hash)) != 0 ||
		s->table->relays[relay].published == 0xff)
		return 508;
	w->families[0] = tp_ip_family(&s->table->relays[relay].local);
	return 0;
}

// ADDITIONAL-ADDRESS-FAMILY: both, or one and why not the other.
static unsigned int check_additional(const struct request *r, struct wish *w)
{
	if (r->m->additional_family != TP_IPV6)
		return 400;
	w->count = 0;
	for (uint8_t family = TP_IPV4; family <= TP_IPV6; family++) {
		if (relays(r->s, family))
			w->families[w->count++] = family;
	}
	if (w->count == 1)
		w->address_error = 440;
	return w->count ? 0 : 508;
}

// Checks 3 to 9 of the section. Returns 0 or the error code.
static unsigned int check(const struct request *r, struct wish *w)
{
	const struct stun_message *m = r->m;
	const bool even = m->has & STUN_HAS_EVEN_PORT;

	*w = (struct wish){.families = {TP_IPV4}, .count = 1, .reservation = RESERVATION_NONE};
	if (even)
		w->ports = m->even_port_reserve ? PORTS_PAIR : PORTS_EVEN;
	if (!(m->has & STUN_HAS_REQUESTED_TRANSPORT) || m->malformed)
		return 400;
	if (m->requested_transport != TP_PROTO_UDP)
		return 442;
	// RFC 8016 section 3.1.2: an empty one asks for a ticket.
	if ((m->has & STUN_HAS_MOBILITY_TICKET) && m->mobility_ticket.length)
		return 400;
	if ((m->has & STUN_HAS_MOBILITY_TICKET) && !r->s->mobility)
		return 405;
	if (m->has & STUN_HAS_RESERVATION_TOKEN) {
		if (even || (m->has & (STUN_HAS_REQUESTED_FAMILY | STUN_HAS_ADDITIONAL_FAMILY)))
			return 400;
		return check_token(r, w);
	}
	if (!(m->has & STUN_HAS_ADDITIONAL_FAMILY)) {
		if (m->has & STUN_HAS_REQUESTED_FAMILY)
			w->families[0] = m->requested_family;
		return relays(r->s, w->families[0]) ? 0 : 440;
	}
	if ((m->has & STUN_HAS_REQUESTED_FAMILY) || w->ports == PORTS_PAIR)
		return 400;
	return check_additional(r, w);
}

static uint32_t lifetime(const struct stun_message *m)
{
	uint32_t wanted = m->has & STUN_HAS_LIFETIME ? m->lifetime_s : 0;

	if (wanted > TURN_LIFETIME_MAX_S)
		wanted = TURN_LIFETIME_MAX_S;
	return wanted > TURN_LIFETIME_DEFAULT_S ? wanted : TURN_LIFETIME_DEFAULT_S;
}

// Returns 0 or -ENOSPC.
static int record_of(const struct request *r, struct tp_vault_allocation *a)
{
	const uint32_t granted = lifetime(r->m);
	const int server = table_keep_server(r->s->table, &r->server);
	const size_t n = r->auth.user_length;

	if (server < 0)
		return server;
	*a = (struct tp_vault_allocation){
		.worker = (uint8_t)r->to.worker,
		.expires_ms = r->s->now_ms + 1000ull * granted,
		.created_ms = r->s->now_ms,
		.client_ip = r->punt->client.ip,
		.client_port = r->punt->client.port,
		.server = (uint8_t)server,
		.lifetime_s = (uint16_t)granted,
		.transport = r->punt->transport,
		.mobility = r->m->has & STUN_HAS_MOBILITY_TICKET ? tp_mobility(1, TP_VAULT_STILL)
								 : 0,
	};

	memcpy(a->user_hash, r->auth.user_hash, sizeof(a->user_hash));
	memcpy(a->tid, r->m->tid, sizeof(a->tid));
	a->user_length = (uint8_t)(n > 255 ? 255 : n);
	memcpy(a->user, r->auth.user, n > TP_USER_MAX ? TP_USER_MAX : n);
	return 0;
}

static int add_on(struct request *r, const struct tp_vault_allocation *record, uint8_t relay,
	uint8_t ports, uint32_t *slot)
{
	struct turn_server *s = r->s;
	uint64_t token;

	if (ports != PORTS_PAIR)
		return table_add(s->table, record, relay, turn_random(s), ports, slot);
	token = (uint64_t)turn_random(s) << 32 | turn_random(s);
	return table_add_pair(s->table, record, relay, turn_random(s), token,
		s->now_ms + TURN_RESERVATION_MS, slot);
}

// Takes slot, port and quotas on one of the relay addresses of this family, in random order of start.
// Returns 0; -EDQUOT; -ENOSPC.
static int add(struct request *r, uint8_t family, uint8_t ports, uint32_t *slot)
{
	struct turn_server *s = r->s;
	struct tp_vault_allocation record;
	uint8_t found[TP_RELAYS_MAX];
	uint32_t count = relays_of(s, family, found);
	uint32_t start = (uint32_t)(((uint64_t)turn_random(s) * count) >> 32);
	int err = -ENOSPC;

	if (record_of(r, &record) != 0)
		return err;
	for (uint32_t n = 0; n < count; n++) {
		uint32_t i = start + n < count ? start + n : start + n - count;

		err = add_on(r, &record, found[i], ports, slot);
		if (!err || err == -EDQUOT)
			return err;
	}
	return err;
}

// Makes the records of a dual allocation, or of the half that can be had. Returns as add().
static int add_both(struct request *r, const struct wish *w, uint32_t *slot)
{
	uint32_t slots[2];
	int err[2];

	for (int i = 0; i < 2; i++)
		err[i] = add(r, w->families[i], w->ports, &slots[i]);
	if (err[0] && err[1])
		return err[0];
	*slot = slots[err[0] ? 1 : 0];
	if (err[0] || err[1])
		table_record(r->s->table, *slot)->address_error = 508;
	return 0;
}

static int add_wish(struct request *r, const struct wish *w, uint32_t *slot)
{
	struct tp_vault_allocation record;
	int err;

	if (w->reservation != RESERVATION_NONE) {
		err = record_of(r, &record);
		return err ? err : table_add_reserved(r->s->table, &record, w->reservation, slot);
	}
	if (w->count == 2)
		return add_both(r, w, slot);
	err = add(r, w->families[0], w->ports, slot);
	if (!err)
		table_record(r->s->table, *slot)->address_error = w->address_error;
	return err;
}

static void announce(struct turn_server *s, const struct request *r, uint32_t slot)
{
	struct slot *t = &s->table->slots[slot];

	t->server = r->punt->server;
	t->in_force = s->generation;
	t->pending = 1;
}

// Nothing of it has left: the client's retransmission is to find things as they were.
static void undo(struct turn_server *s, uint32_t slot)
{
	uint32_t twin = s->table->slots[slot].twin;

	if (s->table->slots[slot].reservation != RESERVATION_NONE)
		table_unreserve(s->table, s->table->slots[slot].reservation);
	if (twin != TABLE_NONE) {
		table_drop(s->table, twin);
		table_dropped(s->table, twin);
	}
	table_drop(s->table, slot);
	table_dropped(s->table, slot);
}

static void make(struct request *r, struct pending *p, const struct wish *w)
{
	struct turn_server *s = r->s;
	struct tp_vault_reservation former = {0};
	uint32_t slot;
	int err;

	if (w->reservation != RESERVATION_NONE)
		former = *table_reservation(s->table, w->reservation);
	err = add_wish(r, w, &slot);
	if (err) {
		pending_end(s, p);
		reply_error(s, &r->to, err == -EDQUOT ? 486 : 508, NULL);
		return;
	}
	p->ports.kind = w->ports;
	p->ports.reserved = w->reservation != RESERVATION_NONE;
	announce(s, r, slot);
	if (s->table->slots[slot].twin != TABLE_NONE)
		announce(s, r, s->table->slots[slot].twin);
	if (put(r, p, slot) != 0) {
		undo(s, slot);
		if (p->ports.reserved)
			table_reserve_again(s->table, &former);
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
	struct wish w;
	unsigned int code;

	if (r->slot != TABLE_NONE) {
		const struct tp_vault_allocation *a = table_record(s->table, r->slot);

		if (!memcmp(a->tid, r->m->tid, sizeof(a->tid)) &&
			!memcmp(a->user_hash, r->auth.user_hash, sizeof(a->user_hash)))
			answer_again(r);
		else
			reply_error(s, &r->to, 437, NULL);
		return;
	}
	code = policy_tunnelled(&r->punt->client.ip) ? 403 : check(r, &w);
	if (code) {
		reply_error(s, &r->to, code, NULL);
		return;
	}
	if (turn_redirect(r))
		return;
	// What this 5-tuple had before goes first, or the dataplane would find the new one in conflict.
	p = turn_send_drops(s) == 0 ? pending_take(s, TX_ALLOCATE) : NULL;
	if (!p) {
		turn_count(s, TP_CC_drop_congested);
		return;
	}
	make(r, p, &w);
}
