// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Making the tables, and what they tell about themselves.

#include "tables.h"

#define PEERS_MAX (1u << 28)

static bool capabilities_valid(const struct tp_capabilities *c)
{
	if (!c->allocations || c->allocations > TP_ALLOCATIONS_MAX || !c->peers ||
		c->peers > PEERS_MAX || !c->servers || c->servers > TP_SERVERS_MAX || !c->relays ||
		c->relays > TP_RELAYS_MAX)
		return false;
	if (!c->port_min || c->port_min > c->port_max)
		return false;
	if (c->channel_max != TP_CHANNEL_MAX && c->channel_max != TP_CHANNEL_MAX_5766)
		return false;
	for (uint32_t i = 0; i < c->relays; i++)
		if (tp_ip_family(&c->relay[i].local) != tp_ip_family(&c->relay[i].public_))
			return false;
	return true;
}

// Hands out `count` items of `size` bytes from an offset, on a line's boundary.
static uint64_t carve(uint64_t *end, uint64_t count, uint64_t size)
{
	uint64_t at = (*end + 63) & ~63ull;

	*end = at + count * size;
	return at;
}

int relay_create(struct relay **out, const struct relay_config *config)
{
	const struct tp_capabilities *c = &config->capabilities;
	uint64_t end = sizeof(struct relay);
	uint64_t clients, ports, peers, allocations, links, leases, users, client_buckets,
		peer_buckets;
	uint32_t ports_each = c->port_max - c->port_min + 1u;
	uint32_t lines = c->allocations + c->peers;
	struct memory memory;
	struct relay *r;
	int err;

	if (!capabilities_valid(c))
		return -EINVAL;
	clients = carve(&end, lines + c->allocations, sizeof(struct client_line));
	ports = carve(&end, (uint64_t)c->relays * ports_each, sizeof(struct port_line));
	peers = carve(&end, c->peers, sizeof(struct peer));
	allocations = carve(&end, c->allocations, sizeof(struct allocation));
	links = carve(&end, c->peers, sizeof(struct peer_link));
	leases = carve(&end, c->allocations, sizeof(struct lease_slot));
	users = carve(&end, tp_users_for(c->allocations), sizeof(struct lease_user));
	client_buckets = carve(
		&end, index_buckets(lines + c->allocations), sizeof(struct index_bucket));
	peer_buckets = carve(&end, index_buckets(c->peers), sizeof(struct index_bucket));
	err = memory_take(&memory, end);
	if (err < 0)
		return err;

	// Zero is the empty state of every table, so nothing is touched here.
	r = (struct relay *)memory.base;
	r->clients = (struct client_line *)(memory.base + clients);
	r->ports = (struct port_line *)(memory.base + ports);
	r->peers = (struct peer *)(memory.base + peers);
	r->allocations = (struct allocation *)(memory.base + allocations);
	r->links = (struct peer_link *)(memory.base + links);
	r->leases = (struct lease_slot *)(memory.base + leases);
	r->users = (struct lease_user *)(memory.base + users);
	r->client_index.bucket = (struct index_bucket *)(memory.base + client_buckets);
	r->client_index.buckets = index_buckets(lines + c->allocations);
	r->peer_index.bucket = (struct index_bucket *)(memory.base + peer_buckets);
	r->peer_index.buckets = index_buckets(c->peers);
	hash_key_init(&r->key, config->secret, 0);
	hash_key_init(&r->tid_key, config->secret, 1);
	r->ports_each = ports_each;
	r->port_min = c->port_min;
	r->relays = c->relays;
	r->channel_max = c->channel_max;
	r->free_peers = RELAY_NONE;
	r->usage.peers_capacity = c->peers;
	r->usage.memory = memory.size;
	r->memory = memory;
	r->capabilities = *c;
	*out = r;
	return 0;
}

void relay_destroy(struct relay *relay)
{
	struct memory memory;

	if (!relay)
		return;
	memory = relay->memory;
	memory_give(&memory);
}

void relay_on_dropped(struct relay *relay, relay_dropped_fn *fn, void *context)
{
	relay->dropped = fn;
	relay->dropped_context = context;
}

void relay_on_destinations(
	struct relay *relay, relay_take_fn *take, relay_give_back_fn *give_back, void *context)
{
	relay->take = take;
	relay->give_back = give_back;
	relay->destinations_context = context;
}

void relay_usage(const struct relay *relay, struct relay_usage *out)
{
	*out = relay->usage;
}

// What is leased is counted when it is taken.
static void not_yet_used(const struct client_line *l, struct relay_traffic *out)
{
	out->to_peer_packets -= lease_packets(l->lease);
	out->to_peer_bytes -= lease_bytes(l->lease);
}

void relay_traffic(const struct relay *r, uint32_t slot, struct relay_traffic *out)
{
	const struct port_line *port;

	*out = (struct relay_traffic){0};
	if (slot >= r->capabilities.allocations || !r->allocations[slot].relay_port)
		return;
	*out = r->allocations[slot].past;
	port = allocation_port_line(r, slot);
	out->to_client_packets -= lease_packets(port->lease);
	out->to_client_bytes -= lease_bytes(port->lease);
	not_yet_used(&r->clients[slot], out);
	for (uint32_t p = r->allocations[slot].peers; p != RELAY_NONE; p = r->links[p].next)
		if (r->peers[p].channel)
			not_yet_used(&r->clients[relay_channel_line(r, p)], out);
}
