// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What comes of transactions. Success needs nothing more: the answer has left with the commands. When
// the dataplane refused, the client hears 508, or the allocation gets another port.
#include <openssl/crypto.h>
#include <string.h>

#include "reply.h"

static enum transaction_kind kind_of(const struct pending *p)
{
	return p->id >> 60;
}

struct pending *pending_take(struct turn_server *s, enum transaction_kind kind)
{
	struct pending *p;

	if (s->pending_free == TABLE_NONE)
		return NULL;
	p = &s->pending[s->pending_free];
	s->pending_free = p->next_free;
	p->id = turn_id(kind, ++s->pending_serial, (uint32_t)(p - s->pending));
	p->halves = 0;
	if (kind == TX_ALLOCATE)
		p->ports = (struct pending_ports){.kind = PORTS_ANY};
	else if (kind == TX_MOVE)
		p->move = (struct pending_move){.refusal = TP_STATUS_OK};
	else
		p->peers.count = 0;
	return p;
}

void pending_fill(struct pending *p, const struct request *r)
{
	p->to = r->to;
	p->key_length = (uint8_t)r->auth.key_length;
	memcpy(p->key, r->auth.key_bytes, sizeof(p->key));
}

void pending_add_half(struct turn_server *s, struct pending *p, uint32_t slot)
{
	p->half[p->halves].slot = slot;
	p->half[p->halves++].serial = table_record(s->table, slot)->serial;
}

void pending_end(struct turn_server *s, struct pending *p)
{
	while (kind_of(p) == TX_ALLOCATE && p->ports.count--)
		table_release_port(
			s->table, p->ports.relay[p->ports.count], p->ports.port[p->ports.count]);
	OPENSSL_cleanse(p->key, sizeof(p->key));
	p->id = 0;
	p->next_free = s->pending_free;
	s->pending_free = (uint32_t)(p - s->pending);
}

bool pending_answers(struct turn_server *s, struct pending *p)
{
	if (stun_hmac_rekey(s->late_key, p->key, p->key_length) != 0)
		return false;
	p->to.key = s->late_key;
	return true;
}

bool pending_still_there(const struct turn_server *s, const struct pending *p, uint32_t half)
{
	uint32_t slot = p->half[half].slot;

	return s->table->slots[slot].state == SLOT_LIVE &&
	       table_record(s->table, slot)->serial == p->half[half].serial;
}

static bool change_port_to(
	struct turn_server *s, const struct pending *p, uint32_t slot, uint8_t relay)
{
	uint32_t random = turn_random(s);

	if (s->table->slots[slot].reservation != RESERVATION_NONE)
		return table_change_pair(s->table, slot, relay, random) == 0;
	return table_change_port(s->table, slot, relay, random, p->ports.kind) == 0;
}

// Gives the slot another port: of its relay address if that can be had, else of another one of the family.
static bool change_port(struct turn_server *s, const struct pending *p, uint32_t slot)
{
	uint8_t relay = s->table->slots[slot].relay;
	enum tp_family family = table_family(s->table, slot);

	for (uint32_t n = 0; n < s->table->relays_count; n++) {
		const struct table_relay *r = &s->table->relays[relay];

		if (!(p->ports.no_relays >> relay & 1) && r->published != 0xff &&
			tp_ip_family(&r->local) == family && change_port_to(s, p, slot, relay))
			return true;
		relay = relay + 1u < s->table->relays_count ? relay + 1 : 0;
	}
	return false;
}

// The relay port was somebody else's, or the relay address is gone from the host.
static bool try_another_port(
	struct turn_server *s, struct pending *p, uint32_t slot, uint32_t status)
{
	uint8_t relay = s->table->slots[slot].relay;
	uint16_t before = table_record(s->table, slot)->relay_port;

	if (status != TP_STATUS_PORT_TAKEN && status != TP_STATUS_ADDRESS)
		return false;
	if (status == TP_STATUS_ADDRESS)
		p->ports.no_relays |= 1ull << relay;
	else
		turn_count(s, TP_CC_ports_taken);
	// Who shows a token wants that port.
	if (p->ports.reserved || p->ports.count == PORT_ATTEMPTS || !change_port(s, p, slot))
		return false;
	p->ports.relay[p->ports.count] = relay;
	p->ports.port[p->ports.count++] = before;
	return true;
}

// One of a dual allocation's addresses can't be had: the answer says so, and announces the other.
static bool give_up_half(struct turn_server *s, struct pending *p, uint32_t half)
{
	if (p->halves < 2)
		return false;
	turn_drop(s, p->half[half].slot, NULL, NULL);
	p->half[0] = p->half[!half];
	p->halves = 1;
	table_record(s->table, p->half[0].slot)->address_error = 508;
	return true;
}

// An Allocate that the dataplane refused is put again, changed. False: it can't be.
static bool put_changed(struct turn_server *s, struct pending *p, uint32_t status, uint32_t half)
{
	struct tp_command c[2];
	uint8_t bytes[REPLY_MAX];

	if (half >= p->halves)
		return false;
	for (uint32_t i = 0; i < p->halves; i++) {
		if (!pending_still_there(s, p, i))
			return false;
	}
	if (!try_another_port(s, p, p->half[half].slot, status) && !give_up_half(s, p, half))
		return false;
	if (!pending_answers(s, p) || allocate_answer(s, &p->to, p->half[0].slot, bytes) <= 0)
		return false;
	for (uint32_t i = 0; i < p->halves; i++)
		c[i] = command_allocation(s, p->half[i].slot);
	// A new transaction: what follows in the failed one's name is skipped.
	p->id = turn_id(TX_ALLOCATE, ++s->pending_serial, (uint32_t)(p - s->pending));
	return turn_submit(s, p->id, table_record(s->table, p->half[0].slot)->worker, c, p->halves,
		       &p->to.head, bytes) == 0;
}

// Of a transaction that may be over.
static uint32_t peers_put(const struct pending *p)
{
	return kind_of(p) == TX_PERMISSION || kind_of(p) == TX_CHANNEL ? p->peers.count : 0;
}

// A later transaction, `heir`, has put this record too. Should it fail as well, it has to go back to where
// this one began. One that succeeded keeps what its answer announced.
static void hand_down(struct pending *heir, uint32_t record, uint64_t before)
{
	for (uint32_t i = 0; i < peers_put(heir); i++) {
		if (heir->peers.records[i] == record) {
			heir->peers.before[i] = before;
			return;
		}
	}
}

static bool is_ours(const struct pending *p, const struct tp_vault_peer *peer)
{
	for (uint32_t i = 0; i < p->halves; i++) {
		if (peer->serial == p->half[i].serial)
			return vault_is_live(&peer->expires_ms);
	}
	return false;
}

// All or nothing: what the request put goes back, the last first.
static void roll_back(struct turn_server *s, const struct pending *p)
{
	for (uint32_t i = p->peers.count; i-- > 0;) {
		uint16_t put_by = s->table->peers[p->peers.records[i]].put_by;

		if (!is_ours(p, table_peer(s->table, p->peers.records[i])))
			continue; // expired: the dataplane took its time
		if (put_by == p - s->pending)
			turn_put_peer_back(s, p->peers.records[i], p->peers.before[i]);
		else if (put_by != PEER_PUT_BY_NONE)
			hand_down(&s->pending[put_by], p->peers.records[i], p->peers.before[i]);
	}
}

// Ends what is left of the allocation, and what an Allocate reserved with it. Returns whether anything was.
static bool end_halves(struct turn_server *s, const struct pending *p)
{
	bool any = false;

	for (uint32_t i = 0; i < p->halves; i++) {
		uint32_t slot = p->half[i].slot;

		if (!pending_still_there(s, p, i))
			continue;
		any = true;
		if (kind_of(p) == TX_ALLOCATE &&
			s->table->slots[slot].reservation != RESERVATION_NONE)
			table_unreserve(s->table, s->table->slots[slot].reservation);
		turn_drop(s, slot, NULL, NULL);
	}
	return any;
}

static void refused(struct turn_server *s, struct pending *p)
{
	enum transaction_kind kind = kind_of(p);
	bool answer = pending_still_there(s, p, 0) ||
		      (p->halves == 2 && pending_still_there(s, p, 1));

	turn_count(s, TP_CC_commands_failed);
	if (kind == TX_ALLOCATE || kind == TX_REFRESH)
		answer = end_halves(s, p);
	else
		roll_back(s, p);
	if (answer && pending_answers(s, p))
		reply_error(s, &p->to, 508, NULL);
}

// All that the transaction announced is in force.
static void trace_success(struct turn_server *s, const struct pending *p)
{
	for (uint32_t i = 0; kind_of(p) == TX_ALLOCATE && i < p->halves; i++) {
		if (pending_still_there(s, p, i))
			trace_slot(s, TURN_TRACE_ALLOCATION, p->half[i].slot);
	}
	for (uint32_t i = 0; i < peers_put(p); i++) {
		const uint32_t record = p->peers.records[i];

		if (!p->peers.before[i] && is_ours(p, table_peer(s->table, record)))
			trace_peer(s, record);
	}
}

static void pending_outcome(struct turn_server *s, uint64_t id, uint32_t status, uint32_t failed)
{
	uint32_t index = (uint32_t)id;
	bool bad = status != TP_STATUS_OK && status != TP_STATUS_COUNT;
	struct pending *p;

	if (index >= s->pending_count || s->pending[index].id != id) {
		turn_count(s, TP_CC_result_bad);
		return;
	}
	p = &s->pending[index];
	if (id >> 60 == TX_MOVE) {
		turn_move_outcome(s, p, status);
		return;
	}
	if (id >> 60 == TX_ALLOCATE && bad && put_changed(s, p, status, failed))
		return;
	// Without a dataplane the records stay: the next one is given them, and the client asks again.
	if (bad)
		refused(s, p);
	else if (status == TP_STATUS_OK)
		trace_success(s, p);
	for (uint32_t i = 0; id >> 60 == TX_ALLOCATE && i < p->halves; i++) {
		if (pending_still_there(s, p, i))
			s->table->slots[p->half[i].slot].pending = 0;
	}
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

void turn_outcome(struct turn_server *s, uint64_t id, uint32_t status, uint32_t failed)
{
	switch ((enum transaction_kind)(id >> 60)) {
	case TX_ALLOCATE:
	case TX_REFRESH:
	case TX_PERMISSION:
	case TX_CHANNEL:
	case TX_MOVE:
		pending_outcome(s, id, status, failed);
		return;
	case TX_DROP:
	case TX_REPLAY:
		slot_outcome(s, id, status);
		return;
	case TX_SWEEP:
		if (status == TP_STATUS_OK && id == turn_id(TX_SWEEP, s->generation, 0))
			s->ready = true;
		[[fallthrough]];
	case TX_PEER:
		if (status != TP_STATUS_OK && status != TP_STATUS_COUNT)
			turn_count(s, TP_CC_commands_failed);
		return;
	case TX_NONE:
		break;
	}
	turn_count(s, TP_CC_result_bad);
}
