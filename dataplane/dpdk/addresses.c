// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "addresses.h"

#include <string.h>

static void add4(struct addresses *a, uint64_t key, enum address_kind kind, uint8_t index)
{
	uint32_t i = address_slot4(key);

	while (a->entry4[i])
		i = (i + 1) % ADDRESS_SLOTS;
	a->entry4[i] = key | (uint64_t)kind << 8 | index;
}

static void add(
	struct addresses *a, const struct tp_ip *ip, uint16_t port, bool relay, uint8_t index)
{
	uint32_t i = address_slot(ip, port);

	if (addresses_entry(a, ip, port))
		return;
	while (a->entry[i].used)
		i = (i + 1) % ADDRESS_SLOTS;
	a->entry[i] = (struct address_entry){
		.ip = *ip, .port = port, .used = 1, .relay = relay, .index = index};
	if (tp_ip_is4(ip) && (port || relay))
		add4(a, address_key4(ip->w[3], port), port ? ADDRESS_SERVER : ADDRESS_RELAY, index);
}

void addresses_init(struct addresses *a, const struct tp_capabilities *c)
{
	memset(a, 0, sizeof(*a));
	a->port_min = c->port_min;
	a->port_max = c->port_max;
	for (uint32_t i = 0; i < c->relays; i++)
		add(a, &c->relay[i].local, 0, true, (uint8_t)i);
	for (uint32_t i = 0; i < c->servers; i++) {
		const struct tp_endpoint *s = &c->server[i];

		add(a, &s->ip, s->port, false, (uint8_t)i);
		add(a, &s->ip, 0, false, 0);
		a->overlap |= s->port >= c->port_min && s->port <= c->port_max;
	}
}

bool addresses_has(const struct addresses *a, const struct tp_ip *ip)
{
	return addresses_entry(a, ip, 0) != NULL;
}
