// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What comes of transactions. Success needs nothing more: the answer has left with the commands. When
// the dataplane refused, the client hears 508, or the allocation gets another port.
#include <openssl/crypto.h>
#include <string.h>

#include "reply.h"

struct pending *pending_take(struct turn_server *s, enum transaction_kind kind)
{
	struct pending *p;

	if (s->pending_free == TABLE_NONE)
		return NULL;
	p = &s->pending[s->pending_free];
	s->pending_free = p->next_free;
	p->id = turn_id(kind, ++s->pending_serial, (uint32_t)(p - s->pending));
	p->tried_count = 0;
	p->no_relays = 0;
	p->count = 0;
	p->even = false;
	return p;
}

void pending_fill(struct pending *p, const struct request *r, uint32_t slot)
{
	p->to = r->to;
	p->slot = slot;
	p->serial = table_record(r->s->table, slot)->serial;
	p->key_length = (uint8_t)r->auth.key_length;
	memcpy(p->key, r->auth.key_bytes, sizeof(p->key));
}

void pending_end(struct turn_server *s, struct pending *p)
{
	while (p->tried_count--)
		table_release_port(
			s->table, p->tried_relay[p->tried_count], p->tried[p->tried_count]);
	OPENSSL_cleanse(p->key, sizeof(p->key));
	p->id = 0;
	p->next_free = s->pending_free;
	s->pending_free = (uint32_t)(p - s->pending);
}

static bool prepare_late_answer(struct turn_server *s, struct pending *p)
{
	if (stun_hmac_rekey(s->late_key, p->key, p->key_length) != 0)
		return false;
	p->to.key = s->late_key;
	return true;
}

static bool still_there(const struct turn_server *s, const struct pending *p)
{
	return s->table->slots[p->slot].state == SLOT_LIVE &&
	       table_record(s->table, p->slot)->serial == p->serial;
}

// Gives the allocation another port: of its relay address if that can be had, else of another one of the
// family.
static bool change_port(struct turn_server *s, struct pending *p)
{
	uint8_t relay = s->table->slots[p->slot].relay;
	enum tp_family family = tp_ip_family(&s->table->relays[relay].local);

	for (uint32_t n = 0; n < s->table->relays_count; n++) {
		const struct table_relay *r = &s->table->relays[relay];

		if (!(p->no_relays >> relay & 1) && r->published != 0xff &&
			tp_ip_family(&r->local) == family &&
			table_change_port(s->table, p->slot, relay, turn_random(s), p->even) == 0)
			return true;
		relay = relay + 1u < s->table->relays_count ? relay + 1 : 0;
	}
	return false;
}

// The relay port was somebody else's, or the relay address is gone from the host.
static bool try_another_port(struct turn_server *s, struct pending *p, uint32_t status)
{
	struct tp_command c;
	uint8_t bytes[REPLY_MAX];
	uint8_t relay = s->table->slots[p->slot].relay;
	uint16_t before = table_record(s->table, p->slot)->relay_port;

	if (status == TP_STATUS_ADDRESS)
		p->no_relays |= 1ull << relay;
	else
		turn_count(s, TP_CC_ports_taken);
	if (p->tried_count == PORT_ATTEMPTS || !change_port(s, p))
		return false;
	p->tried_relay[p->tried_count] = relay;
	p->tried[p->tried_count++] = before;
	if (!prepare_late_answer(s, p) || allocate_answer(s, &p->to, p->slot, bytes) <= 0)
		return false;
	c = command_allocation(s, p->slot);
	// A new transaction: what follows in the failed one's name is skipped.
	p->id = turn_id(TX_ALLOCATE, ++s->pending_serial, (uint32_t)(p - s->pending));
	return turn_submit(s, p->id, table_record(s->table, p->slot)->worker, &c, 1, &p->to.head,
		       bytes) == 0;
}

// A later transaction, `heir`, has put this record too. Should it fail as well, it has to go back to where
// this one began. One that succeeded keeps what its answer announced.
static void hand_down(struct pending *heir, uint32_t record, uint64_t before)
{
	for (uint32_t i = 0; heir->id && i < heir->count; i++) {
		if (heir->records[i] == record) {
			heir->before[i] = before;
			return;
		}
	}
}

// All or nothing: what the request put goes back, the last first.
static void roll_back(struct turn_server *s, const struct pending *p)
{
	for (uint32_t i = p->count; i-- > 0;) {
		const struct tp_vault_peer *peer = table_peer(s->table, p->records[i]);
		uint32_t put_by = s->table->peers[p->records[i]].put_by;

		if (!vault_is_live(&peer->state) || peer->serial != p->serial)
			continue; // expired: the dataplane took its time
		if (put_by == (uint32_t)(p - s->pending))
			turn_put_peer_back(s, p->records[i], p->before[i]);
		else if (put_by != TABLE_NONE)
			hand_down(&s->pending[put_by], p->records[i], p->before[i]);
	}
}

static void refused(struct turn_server *s, struct pending *p, uint32_t status)
{
	enum transaction_kind kind = p->id >> 60;

	turn_count(s, TP_CC_commands_failed);
	if (!still_there(s, p))
		return;
	if (kind == TX_ALLOCATE || kind == TX_REFRESH)
		turn_drop(s, p->slot, NULL, NULL);
	else
		roll_back(s, p);
	if (status != TP_STATUS_COUNT && prepare_late_answer(s, p))
		reply_error(s, &p->to, 508, NULL);
}

static void pending_outcome(struct turn_server *s, uint64_t id, uint32_t status)
{
	uint32_t index = (uint32_t)id;
	struct pending *p;

	if (index >= s->pending_count || s->pending[index].id != id) {
		turn_count(s, TP_CC_result_bad);
		return;
	}
	p = &s->pending[index];
	if (id >> 60 == TX_ALLOCATE && still_there(s, p)) {
		if ((status == TP_STATUS_PORT_TAKEN || status == TP_STATUS_ADDRESS) &&
			try_another_port(s, p, status))
			return;
		s->table->slots[p->slot].pending = 0;
	}
	// Without a dataplane the records stay: the next one is given them, and the client asks again.
	if (status != TP_STATUS_OK && status != TP_STATUS_COUNT)
		refused(s, p, status);
	pending_end(s, p);
}

static void slot_outcome(struct turn_server *s, uint64_t id, uint32_t status)
{
	uint32_t slot = (uint32_t)id;
	struct slot *t;

	if (slot >= s->table->vault.header->allocations ||
		(table_record(s->table, slot)->serial & 0xfffffff) != (id >> 32 & 0xfffffff))
		return;
	t = &s->table->slots[slot];
	if (id >> 60 == TX_DROP) {
		// Whatever the status: a drop of what isn't there is done as well.
		if (t->state == SLOT_DROPPING)
			table_dropped(s->table, slot);
	} else if (t->state == SLOT_LIVE && status != TP_STATUS_OK && status != TP_STATUS_COUNT) {
		turn_count(s, TP_CC_commands_failed);
		turn_count(s, TP_CC_allocations_lost);
		turn_drop(s, slot, NULL, NULL);
	}
}

void turn_outcome(struct turn_server *s, uint64_t id, uint32_t status)
{
	switch ((enum transaction_kind)(id >> 60)) {
	case TX_ALLOCATE:
	case TX_REFRESH:
	case TX_PERMISSION:
	case TX_CHANNEL:
		pending_outcome(s, id, status);
		return;
	case TX_DROP:
	case TX_REPLAY:
		slot_outcome(s, id, status);
		return;
	case TX_PEER:
	case TX_SWEEP:
		if (status != TP_STATUS_OK && status != TP_STATUS_COUNT)
			turn_count(s, TP_CC_commands_failed);
		return;
	case TX_NONE:
		break;
	}
	turn_count(s, TP_CC_result_bad);
}
