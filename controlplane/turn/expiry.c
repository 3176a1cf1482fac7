// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Freeing what has expired: a scan that gets round once a second. Requests look at the exact time
// themselves, and so does the dataplane: the scan only gives records back.
#include "state.h"

#define SCAN_PARTS 10u // turn_tick() calls for one round

_Static_assert(TURN_CHANNEL_MS < 1000 * PEER_AHEAD_MAX_S, "a channel's end is told from others");
_Static_assert(TURN_PERMISSION_MS < 1000 * PEER_AHEAD_MAX_S, "likewise a permission's");

// Tells the dataplane, if it knows of the allocation. Each command is a transaction of its own: a worker
// skips what follows in the name of one that failed.
static int tell(struct turn_server *s, uint32_t index, struct tp_command c)
{
	uint32_t slot = table_peer(s->table, index)->allocation;

	if (!s->attached || s->table->slots[slot].in_force != s->generation)
		return 0;
	return turn_submit(s, turn_id(TX_PEER, ++s->pending_serial, 0),
		table_record(s->table, slot)->worker, &c, 1, NULL, NULL);
}

int turn_expire_peer(struct turn_server *s, uint32_t index)
{
	if (tell(s, index, command_drop_peer(s, index)) != 0)
		return -1;
	table_remove_peer(s->table, index);
	return 0;
}

void turn_put_peer_back(struct turn_server *s, uint32_t index, uint64_t expires_ms)
{
	bool over = expires_ms <= s->now_ms;

	table_set_peer_expiry(s->table, index, over ? s->now_ms : expires_ms);
	if (over)
		turn_expire_peer(s, index);
	else
		tell(s, index, command_peer(s, index));
}

int turn_expire_peers(struct turn_server *s, uint32_t slot)
{
	uint32_t index = s->table->slots[slot].peers;

	while (index != TABLE_NONE) {
		uint32_t next = s->table->peers[index].next;

		if (table_peer(s->table, index)->expires_ms <= s->now_ms &&
			turn_expire_peer(s, index) != 0)
			return -1;
		index = next;
	}
	return 0;
}

// Another number of allocations means another share of the user's rate for each. One that is not answered
// yet may be about to get another port: its turn comes later.
static void tell_share(struct turn_server *s, uint32_t slot)
{
	const struct slot *t = &s->table->slots[slot];
	const uint32_t told = t->share_of;
	struct tp_command c;

	if (!s->attached || t->in_force != s->generation || t->pending || !rates_stale(s, slot))
		return;
	c = command_allocation(s, slot);
	if (turn_submit(s, turn_id(TX_PEER, ++s->pending_serial, 0),
		    table_record(s->table, slot)->worker, &c, 1, NULL, NULL) != 0)
		s->table->slots[slot].share_of = told;
}

static uint32_t scan_slots(struct turn_server *s, uint32_t n)
{
	uint32_t total = s->table->vault.header->allocations, done = 0;

	for (; n--; s->scan_slot = s->scan_slot + 1 < total ? s->scan_slot + 1 : 0) {
		const struct tp_vault_allocation *a = table_record(s->table, s->scan_slot);

		if (!vault_is_live(&a->expires_ms))
			continue;
		if (a->expires_ms <= s->now_ms) {
			turn_count(s, TP_CC_allocations_expired);
			turn_drop(s, s->scan_slot, NULL, NULL);
			done++;
		} else {
			tell_share(s, s->scan_slot);
		}
	}
	return done;
}

static uint32_t scan_peers(struct turn_server *s, uint32_t n)
{
	uint32_t total = s->table->vault.header->peers, done = 0;

	for (; n--; s->scan_peer = s->scan_peer + 1 < total ? s->scan_peer + 1 : 0) {
		if (peer_due(s->table->peers[s->scan_peer].expiry, s->now_ms) &&
			table_peer(s->table, s->scan_peer)->expires_ms <= s->now_ms &&
			turn_expire_peer(s, s->scan_peer) == 0)
			done++;
	}
	return done;
}

static uint32_t scan_reservations(struct turn_server *s, uint32_t n)
{
	struct table *t = s->table;
	uint32_t total = t->reservations.capacity, done = 0;

	for (; n--; s->scan_reservation = s->scan_reservation + 1 < total ? s->scan_reservation + 1
									  : 0) {
		const struct tp_vault_reservation *k = table_reservation(t, s->scan_reservation);

		if (!vault_is_live(&k->expires_ms) || k->expires_ms > s->now_ms)
			continue;
		table_unreserve(t, s->scan_reservation);
		done++;
	}
	return done;
}

uint32_t turn_tick(struct turn_server *s)
{
	uint32_t done;

	if (s->attached && !s->replay_done)
		replay_step(s);
	turn_send_drops(s);
	done = scan_slots(s, s->table->vault.header->allocations / SCAN_PARTS + 1);
	done += scan_peers(s, s->table->vault.header->peers / SCAN_PARTS + 1);
	done += scan_reservations(s, s->table->reservations.capacity / SCAN_PARTS + 1);
	s->link->ops->flush(s->link);
	return done;
}
