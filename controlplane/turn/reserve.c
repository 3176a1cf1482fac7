// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Relay ports that are kept for later allocations, as the table sees them: each holds its port and counts in
// the quotas until it is used or over.
#include <errno.h>
#include <string.h>

#include "table.h"

int table_add_pair(struct table *t, const struct tp_vault_allocation *record, uint8_t relay,
	uint32_t random, uint64_t token, uint64_t until_ms, uint32_t *slot)
{
	struct tp_vault_reservation kept = {.allocation = t->free_slot,
		.expires_ms = until_ms,
		.token = token,
		.relay = t->relays[relay].place,
		.party = tp_ip_party(&record->client_ip)};
	uint32_t reservation;
	int port, err;

	if (t->free_slot == TABLE_NONE)
		return -EDQUOT; // the quota in total
	if (t->reservations.free == RESERVATION_NONE ||
		reservations_find(&t->reservations, token) != RESERVATION_NONE)
		return -ENOSPC;
	memcpy(kept.user_hash, record->user_hash, sizeof(kept.user_hash));
	err = table_take_quotas(t, kept.user_hash, &kept.party);
	if (err)
		return err;
	err = table_take_quotas(t, kept.user_hash, &kept.party);
	if (err)
		goto release;
	port = ports_take(&t->relays[relay].ports, random, PORTS_PAIR);
	if (port < 0) {
		table_release_quotas(t, kept.user_hash, &kept.party);
		err = port;
		goto release;
	}
	kept.relay_port = (uint16_t)(port + 1);
	kept.serial = ++t->vault.header->serial;
	reservation = reservations_add(&t->reservations, &kept);
	*slot = table_place(t, record, relay, (uint16_t)port, kept.serial);
	t->slots[*slot].reservation = reservation;
	return 0;
release:
	table_release_quotas(t, kept.user_hash, &kept.party);
	return err;
}

// The slot that made a reservation, if that is its newest one still; else TABLE_NONE.
static uint32_t maker(const struct table *t, const struct tp_vault_reservation *k)
{
	if (k->allocation >= t->vault.header->allocations ||
		t->slots[k->allocation].state != SLOT_LIVE ||
		table_record(t, k->allocation)->serial != k->serial)
		return TABLE_NONE;
	return k->allocation;
}

static void forget(struct table *t, uint32_t reservation)
{
	uint32_t slot = maker(t, table_reservation(t, reservation));

	if (slot != TABLE_NONE)
		t->slots[slot].reservation = RESERVATION_NONE;
	reservations_remove(&t->reservations, reservation);
}

int table_add_reserved(struct table *t, const struct tp_vault_allocation *record,
	uint32_t reservation, uint32_t *slot)
{
	const struct tp_vault_reservation *k = table_reservation(t, reservation);
	const struct tp_ip party = tp_ip_party(&record->client_ip);
	int err;

	if (t->free_slot == TABLE_NONE)
		return -EDQUOT;
	// What counted for the reservation counts for the allocation.
	table_release_quotas(t, k->user_hash, &k->party);
	err = table_take_quotas(t, record->user_hash, &party);
	if (err) {
		table_restore_quotas(t, k->user_hash, &k->party);
		return err;
	}
	*slot = table_place(t, record, (uint8_t)table_relay_at(t, k->relay), k->relay_port,
		++t->vault.header->serial);
	forget(t, reservation);
	return 0;
}

int table_change_pair(struct table *t, uint32_t slot, uint8_t relay, uint32_t random)
{
	struct tp_vault_reservation kept = *table_reservation(t, t->slots[slot].reservation);
	int port = ports_take(&t->relays[relay].ports, random, PORTS_PAIR);

	if (port < 0)
		return port;
	table_unreserve(t, t->slots[slot].reservation);
	table_restore_quotas(t, kept.user_hash, &kept.party);
	kept.relay = t->relays[relay].place;
	kept.relay_port = (uint16_t)(port + 1);
	t->slots[slot].reservation = reservations_add(&t->reservations, &kept);
	table_move(t, slot, relay, (uint16_t)port);
	return 0;
}

void table_unreserve(struct table *t, uint32_t reservation)
{
	const struct tp_vault_reservation *k = table_reservation(t, reservation);

	ports_release(&t->relays[table_relay_at(t, k->relay)].ports, k->relay_port);
	table_release_quotas(t, k->user_hash, &k->party);
	forget(t, reservation);
}

static void take_in(struct table *t, uint32_t reservation)
{
	const struct tp_vault_reservation *k = table_reservation(t, reservation);
	uint32_t slot = maker(t, k);

	table_restore_quotas(t, k->user_hash, &k->party);
	if (slot != TABLE_NONE)
		t->slots[slot].reservation = reservation;
}

void table_reserve_again(struct table *t, const struct tp_vault_reservation *former)
{
	ports_take_exactly(&t->relays[table_relay_at(t, former->relay)].ports, former->relay_port);
	take_in(t, reservations_add(&t->reservations, former));
}

bool table_restore_reservation(struct table *t, uint32_t reservation)
{
	const struct tp_vault_reservation *k = table_reservation(t, reservation);
	uint32_t relay = table_relay_at(t, k->relay), slot = maker(t, k);
	bool sound = relay < t->relays_count && k->serial && k->serial <= t->vault.header->serial &&
		     reservations_find(&t->reservations, k->token) == RESERVATION_NONE &&
		     (slot == TABLE_NONE || t->slots[slot].reservation == RESERVATION_NONE);
	int err = sound ? ports_take_exactly(&t->relays[relay].ports, k->relay_port) : -EINVAL;

	reservations_restore(&t->reservations, reservation, err == 0);
	if (err == 0)
		take_in(t, reservation);
	// Used: the control plane died between the allocation that used it and its end.
	return err == 0 || err == -EBUSY;
}
