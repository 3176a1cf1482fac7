// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Clients that move, as the table sees them. The quotas of users don't change; an address gets one more before
// another gets one less, so that there is a way back at any time.
#include <errno.h>
#include <string.h>

#include "table.h"

// Where else than at its client's the slot counts; its client's party if nowhere.
static struct tp_ip second_party(const struct table *t, uint32_t slot)
{
	const struct tp_vault_allocation *a = table_record(t, slot);

	return tp_ip_party(table_moving(t, slot) ? &a->next_ip : &a->client_ip);
}

static void forget_second(struct table *t, uint32_t slot, const struct tp_ip *but)
{
	const struct tp_ip own = tp_ip_party(&table_record(t, slot)->client_ip);
	const struct tp_ip second = second_party(t, slot);

	if (!tp_ip_equal(&second, &own) && !tp_ip_equal(&second, but))
		quota_release(&t->by_address, second.b);
}

static void unlink_moving(struct table *t, uint32_t slot)
{
	struct tp_vault_allocation *a = table_record(t, slot);

	if (!table_moving(t, slot))
		return;
	table_unlink(t, slot, true);
	vault_set_mobility(&a->mobility, tp_mobility(table_ticket(t, slot), TP_VAULT_STILL));
	t->server_records[a->next_server]--;
}

static void move_to(struct table *t, uint32_t slot, const struct tp_endpoint *client,
	uint8_t server, uint32_t ticket)
{
	struct tp_vault_allocation *a = table_record(t, slot);

	unlink_moving(t, slot);
	a->next_ip = client->ip;
	a->next_port = client->port;
	a->next_server = server;
	t->server_records[server]++;
	vault_set_mobility(&a->mobility, tp_mobility(ticket, TP_VAULT_MOVING));
	table_link(t, slot, true);
}

struct table_move table_move_of(const struct table *t, uint32_t slot)
{
	const struct tp_vault_allocation *a = table_record(t, slot);

	return (struct table_move){.mobility = a->mobility,
		.next = vault_next(a),
		.next_server = table_next_server(t, slot)};
}

int table_begin_move(struct table *t, uint32_t slot, const struct tp_endpoint *client,
	const struct tp_endpoint *server)
{
	const struct tp_ip own = tp_ip_party(&table_record(t, slot)->client_ip);
	const struct tp_ip second = second_party(t, slot), party = tp_ip_party(&client->ip);
	const uint32_t ticket = (table_ticket(t, slot) + 1) & TP_VAULT_TICKET_MAX;
	const int place = table_keep_server(t, server);
	int err = place < 0 ? place : 0;

	if (!err && !tp_ip_equal(&party, &own) && !tp_ip_equal(&party, &second))
		err = quota_take(&t->by_address, party.b);
	if (err)
		return err;
	forget_second(t, slot, &party);
	move_to(t, slot, client, (uint8_t)place, ticket ? ticket : 1);
	return 0;
}

void table_end_move(struct table *t, uint32_t slot)
{
	struct tp_vault_allocation *a = table_record(t, slot);
	const struct tp_ip own = tp_ip_party(&a->client_ip), party = tp_ip_party(&a->next_ip);

	if (!tp_ip_equal(&own, &party))
		quota_release(&t->by_address, own.b);
	t->server_records[a->server]--;
	table_unlink(t, slot, true);
	table_unlink(t, slot, false);
	vault_settle(a);
	table_link(t, slot, false);
	t->slots[slot].server = t->slots[slot].next_server;
}

void table_undo_move(struct table *t, uint32_t slot, const struct table_move *before)
{
	struct tp_vault_allocation *a = table_record(t, slot);
	// Should its place have been given to others there is none: it stays where it is.
	const int place = tp_mobility_moving(before->mobility) == TP_VAULT_MOVING
				  ? table_keep_server(t, &before->next_server)
				  : -ENOENT;
	const bool moving = place >= 0;
	const uint32_t ticket = tp_mobility_ticket(before->mobility);
	const struct tp_ip own = tp_ip_party(&a->client_ip);
	const struct tp_ip party = moving ? tp_ip_party(&before->next.ip) : own;
	const struct tp_ip second = second_party(t, slot);

	// It was granted before: no limit stands against it.
	if (!tp_ip_equal(&party, &own) && !tp_ip_equal(&party, &second))
		quota_restore(&t->by_address, party.b);
	forget_second(t, slot, &party);
	if (moving) {
		move_to(t, slot, &before->next, (uint8_t)place, ticket);
		return;
	}
	unlink_moving(t, slot);
	vault_set_mobility(&a->mobility, tp_mobility(ticket, TP_VAULT_STILL));
}

void table_restore_move(struct table *t, uint32_t slot)
{
	struct tp_vault_allocation *a = table_record(t, slot);
	const struct tp_endpoint next = vault_next(a), server = table_next_server(t, slot);
	const struct tp_ip own = tp_ip_party(&a->client_ip), party = tp_ip_party(&next.ip);
	const uint32_t twin = t->slots[slot].twin;
	uint32_t other;

	if (!table_moving(t, slot))
		return;
	// Not in the index yet: it must not be taken for one that is.
	a->mobility = tp_mobility(table_ticket(t, slot), TP_VAULT_STILL);
	other = table_find(t, &next, &server, a->transport);
	if (!next.port || !server.port || !table_ticket(t, slot) ||
		tp_ip_is4(&next.ip) != tp_ip_is4(&server.ip) ||
		(other != TABLE_NONE && other != twin))
		return;
	if (!tp_ip_equal(&party, &own))
		quota_restore(&t->by_address, party.b);
	move_to(t, slot, &next, a->next_server, table_ticket(t, slot));
}
