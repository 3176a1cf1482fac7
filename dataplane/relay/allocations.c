// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Putting and dropping allocations: the record, the client line of its Send indications, its port line.

#include "tables.h"

static uint64_t line_hash(const struct relay *r, const struct client_line *l)
{
	return hash_address(&r->key, &l->client, l->key & ((1ull << CLIENT_KEY_BITS) - 1));
}

static bool same_allocation(const struct relay *r, const struct tp_command *c, uint64_t key)
{
	const struct allocation *a = &r->allocations[c->allocation];

	return a->relay_port == c->relay_port && a->relay == c->relay &&
	       client_line_is(&r->clients[c->allocation], &c->client.ip, key);
}

// Takes back what the lines of a slot have leased: its rates change, or it goes.
static void end_leases(struct relay *r, uint32_t slot)
{
	client_line_end(r, &r->clients[slot]);
	port_line_end(r, allocation_port_line(r, slot));
	for (uint32_t p = r->allocations[slot].peers; p != RELAY_NONE; p = r->links[p].next)
		if (r->peers[p].channel)
			client_line_end(r, &r->clients[relay_channel_line(r, p)]);
}

// A later expiry reaches the lines when their promise is over; an earlier one has to reach them now.
static void refresh(struct relay *r, const struct tp_command *c)
{
	struct allocation *a = &r->allocations[c->allocation];
	uint32_t expires = clock_tick(c->expires_ms);

	// The move of another generation is none of this one's.
	if (a->generation != c->generation)
		move_drop(r, c->allocation);
	if (expires < a->expires) {
		for (uint32_t p = a->peers; p != RELAY_NONE; p = r->links[p].next) {
			struct client_line *l = &r->clients[relay_channel_line(r, p)];

			l->until = clock_earlier(l->until, expires);
		}
	}
	a->generation = c->generation;
	a->expires = expires;
	r->clients[c->allocation].until = expires;
	allocation_port_line(r, c->allocation)->expires = expires;
	allocation_port_line(r, c->allocation)->until = 0;
	if (!lease_is(r, c)) {
		end_leases(r, c->allocation);
		lease_change(r, c);
	}
}

static void take_out(struct relay *r, uint32_t slot)
{
	struct allocation *a = &r->allocations[slot];

	move_drop(r, slot);
	while (a->peers != RELAY_NONE)
		peer_drop(r, a->peers);
	end_leases(r, slot);
	lease_clear(r, slot);
	index_erase(&r->client_index, line_hash(r, &r->clients[slot]), slot);
	destination_give_back(r, allocation_port_line(r, slot)->destination);
	*allocation_port_line(r, slot) = (struct port_line){0};
	r->clients[slot] = (struct client_line){0};
	*a = (struct allocation){0};
	r->usage.allocations--;
}

void allocation_drop(struct relay *r, uint32_t slot)
{
	const struct allocation *a = &r->allocations[slot];

	if (r->dropped)
		r->dropped(r->dropped_context, slot, a->relay, a->relay_port);
	take_out(r, slot);
}

bool relay_displace(struct relay *r, uint32_t slot, uint32_t generation)
{
	if (slot >= r->capabilities.allocations || !r->allocations[slot].relay_port ||
		r->allocations[slot].generation == generation)
		return false;
	allocation_drop(r, slot);
	return true;
}

// Whether `holder` is in the way of the command: another slot, and not one that is to be swept.
static bool in_the_way(const struct relay *r, const struct tp_command *c, uint32_t holder)
{
	return holder != RELAY_NONE && holder != c->allocation &&
	       r->allocations[holder].generation == c->generation;
}

enum tp_status allocation_put(struct relay *r, const struct tp_command *c)
{
	struct allocation *a = &r->allocations[c->allocation];
	struct port_line *port = relay_port_line(r, c->relay, c->relay_port);
	enum tp_family family = tp_ip_family(&r->capabilities.relay[c->relay].local);
	uint64_t key = client_key(c->client.port, family, c->server, c->transport);
	uint64_t hash = hash_address(&r->key, &c->client.ip, key);
	uint32_t line = relay_find_client(r, &c->client.ip, key, hash);
	uint32_t holder = line == RELAY_NONE ? RELAY_NONE : r->clients[line].allocation;
	uint32_t port_holder = port->allocation ? port->allocation - 1 : RELAY_NONE;
	uint32_t expires = clock_tick(c->expires_ms);
	enum tp_status status = TP_STATUS_OK;
	uint32_t destination;

	if (in_the_way(r, c, port_holder))
		return TP_STATUS_PORT_TAKEN;
	if (in_the_way(r, c, holder))
		return TP_STATUS_CONFLICT;
	// What an earlier generation left there goes now: its sweep may be yet to come.
	if (port_holder != c->allocation)
		relay_displace(r, port_holder, c->generation);
	if (holder != c->allocation)
		relay_displace(r, holder, c->generation);
	if (line == arriving_line(r, c->allocation) && a->relay_port == c->relay_port &&
		a->relay == c->relay)
		status = move_settle(r, c->allocation);
	if (status != TP_STATUS_OK)
		return status;
	if (a->relay_port && same_allocation(r, c, key)) {
		refresh(r, c);
		return TP_STATUS_OK;
	}
	if (!destination_take(r, &c->client.ip, &destination))
		return TP_STATUS_NO_SPACE;
	if (index_insert(&r->client_index, hash, c->allocation) < 0) {
		destination_give_back(r, destination);
		return TP_STATUS_NO_SPACE;
	}
	// The slot's former allocation goes. Its socket is still wanted if only the client differs.
	if (port->allocation)
		take_out(r, c->allocation);
	else if (a->relay_port)
		allocation_drop(r, c->allocation);
	*a = (struct allocation){
		.generation = c->generation,
		.expires = expires,
		.peers = RELAY_NONE,
		.relay_port = c->relay_port,
		.relay = c->relay,
	};
	r->clients[c->allocation] = (struct client_line){
		.client = c->client.ip,
		.key = key | (uint64_t)c->relay << CLIENT_KEY_BITS |
		       (uint64_t)NOT_OURS << (CLIENT_KEY_BITS + 8),
		.relay_port = c->relay_port,
		.until = expires,
		.allocation = c->allocation,
	};
	*port = (struct port_line){
		.client = c->client.ip,
		.client_port = c->client.port,
		.server = c->server,
		.transport = c->transport,
		.allocation = c->allocation + 1,
		.expires = expires,
		.destination = destination,
	};
	lease_start(r, c);
	r->usage.allocations++;
	return TP_STATUS_OK;
}
