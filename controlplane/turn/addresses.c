// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Our own addresses, which records name by their place in the vault's header. A relay address keeps its place as
// long as it is configured, a server address as long as a record names it.
#include <errno.h>
#include <string.h>

#include "table.h"

uint32_t table_find_relay(const struct table *t, const struct tp_ip *local)
{
	uint32_t i = 0;

	while (i < t->relays_count && !tp_ip_equal(&t->relays[i].local, local))
		i++;
	return i;
}

void table_find_relays(struct table *t)
{
	const struct tp_vault_header *h = t->vault.header;

	memset(t->relay_at, 0xff, sizeof(t->relay_at));
	for (uint32_t i = 0; i < t->relays_count; i++) {
		struct table_relay *r = &t->relays[i];
		uint32_t place = 0;

		while (place < TP_RELAYS_MAX && !tp_ip_equal(&h->relay[place], &r->local))
			place++;
		r->place = (uint8_t)place;
		if (place < TP_RELAYS_MAX && t->relay_at[place] == 0xff)
			t->relay_at[place] = (uint8_t)i;
	}
}

void table_place_relays(struct table *t)
{
	for (uint32_t i = 0; i < t->relays_count; i++) {
		struct table_relay *r = &t->relays[i];
		uint8_t place = 0;

		if (r->place < TP_RELAYS_MAX)
			continue;
		// As many as relay addresses at most are taken, and this one has none.
		while (t->relay_at[place] != 0xff)
			place++;
		t->vault.header->relay[place] = r->local;
		t->relay_at[place] = (uint8_t)i;
		r->place = place;
	}
}

uint32_t table_relay_at(const struct table *t, uint8_t place)
{
	return place < TP_RELAYS_MAX && t->relay_at[place] != 0xff ? t->relay_at[place]
								   : t->relays_count;
}

int table_keep_server(struct table *t, const struct tp_endpoint *server)
{
	struct tp_endpoint *places = t->vault.header->server;
	int spare = -ENOSPC;

	for (int i = 0; i < (int)TP_VAULT_SERVERS; i++) {
		if (tp_endpoint_equal(&places[i], server))
			return i;
		if (spare < 0 && !t->server_records[i])
			spare = i;
	}
	if (spare >= 0)
		places[spare] = *server;
	return spare;
}
