// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "addresses.h"

#include <string.h>

// The table's content is configuration: nobody outside can make a chain of it longer.
static uint32_t slot_of(const struct tp_ip *ip, uint16_t port)
{
	uint64_t h = (ip->q[0] ^ ip->q[1] * 0x9e3779b97f4a7c15ull ^ port) * 0xff51afd7ed558ccdull;

	// The highest bits: those below know nothing of an address's last byte, which stands highest.
	return (uint32_t)(h >> 32) / (UINT32_MAX / ADDRESS_SLOTS + 1);
}

static const struct address_entry *find(
	const struct addresses *a, const struct tp_ip *ip, uint16_t port)
{
	for (uint32_t i = slot_of(ip, port);; i = (i + 1) % ADDRESS_SLOTS) {
		const struct address_entry *e = &a->entry[i];

		if (!e->used)
			return NULL;
		if (e->port == port && tp_ip_equal(&e->ip, ip))
			return e;
	}
}

static void add(
	struct addresses *a, const struct tp_ip *ip, uint16_t port, bool relay, uint8_t index)
{
	uint32_t i = slot_of(ip, port);

	if (find(a, ip, port))
		return;
	while (a->entry[i].used)
		i = (i + 1) % ADDRESS_SLOTS;
	a->entry[i] = (struct address_entry){
		.ip = *ip, .port = port, .used = 1, .relay = relay, .index = index};
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

enum address_kind addresses_find(
	const struct addresses *a, const struct tp_endpoint *destination, uint8_t *index)
{
	uint16_t port = destination->port;
	bool in_range = port >= a->port_min && port <= a->port_max;
	const struct address_entry *e;

	if (!port)
		return ADDRESS_OTHER;
	if (!in_range || a->overlap) {
		e = find(a, &destination->ip, port);
		if (e) {
			*index = e->index;
			return ADDRESS_SERVER;
		}
	}
	if (!in_range)
		return ADDRESS_OTHER;
	e = find(a, &destination->ip, 0);
	if (!e || !e->relay)
		return ADDRESS_OTHER;
	*index = e->index;
	return ADDRESS_RELAY;
}

bool addresses_has(const struct addresses *a, const struct tp_ip *ip)
{
	return find(a, ip, 0) != NULL;
}
