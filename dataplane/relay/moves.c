// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Clients that move (RFC 8016 section 3.2.2): data is taken from both 5-tuples, and goes to the former one until
// the control plane, told of the first data from the new one, puts the allocation there. Nothing of this is in
// the way of packets of others, nor of the former 5-tuple's: the new one's are found the long way.

#include "tables.h"

static uint64_t hash_of(const struct relay *r, const struct tp_ip *ip, uint64_t key)
{
	return hash_address(&r->key, ip, key & ((1ull << CLIENT_KEY_BITS) - 1));
}

static uint64_t line_hash(const struct relay *r, uint32_t line)
{
	return hash_of(r, &r->clients[line].client, r->clients[line].key);
}

// The key of another channel of the same client.
static uint64_t key_of_channel(uint64_t key, uint16_t channel)
{
	return (key & ~((uint64_t)UINT16_MAX << 16)) | (uint64_t)channel << 16;
}

bool move_drop(struct relay *r, uint32_t slot)
{
	uint32_t line = arriving_line(r, slot);

	if (!r->clients[line].key)
		return false;
	index_erase(&r->client_index, line_hash(r, line), line);
	destination_give_back(r, r->clients[line].destination);
	r->clients[line] = (struct client_line){0};
	r->moving--;
	return true;
}

enum tp_status move_put(struct relay *r, const struct tp_command *c)
{
	const uint32_t slot = c->allocation, line = arriving_line(r, slot);
	const struct allocation *a = &r->allocations[slot];
	enum tp_family family = tp_ip_family(&r->capabilities.relay[a->relay].local);
	uint64_t key = client_key(c->client.port, family, c->server, c->transport);
	uint64_t hash = hash_of(r, &c->client.ip, key);
	uint32_t found = relay_find_client(r, &c->client.ip, key, hash), holder, destination;

	if (found == slot) {
		move_drop(r, slot);
		return TP_STATUS_OK;
	}
	if (found == line)
		return TP_STATUS_OK;
	holder = found == RELAY_NONE ? RELAY_NONE : r->clients[found].allocation;
	if (holder != RELAY_NONE && r->allocations[holder].generation == c->generation)
		return TP_STATUS_CONFLICT;
	relay_displace(r, holder, c->generation);
	if (!destination_take(r, &c->client.ip, &destination))
		return TP_STATUS_NO_SPACE;
	if (index_insert(&r->client_index, hash, line) < 0) {
		destination_give_back(r, destination);
		return TP_STATUS_NO_SPACE;
	}
	move_drop(r, slot);
	r->clients[line] = (struct client_line){
		.client = c->client.ip,
		.key = key,
		.allocation = slot,
		.destination = destination,
	};
	r->moving++;
	return TP_STATUS_OK;
}

static void erase_channels(
	struct relay *r, uint32_t slot, uint32_t end, const struct client_line *arriving)
{
	for (uint32_t p = r->allocations[slot].peers; p != end; p = r->links[p].next) {
		uint64_t key = key_of_channel(arriving->key, r->peers[p].channel);

		if (r->peers[p].channel)
			index_erase(&r->client_index, hash_of(r, &arriving->client, key),
				relay_channel_line(r, p));
	}
}

// Puts the channels into the index under their new keys, beside the former ones. All or none.
static enum tp_status insert_channels(
	struct relay *r, uint32_t slot, const struct client_line *arriving)
{
	for (uint32_t p = r->allocations[slot].peers; p != RELAY_NONE; p = r->links[p].next) {
		uint64_t key = key_of_channel(arriving->key, r->peers[p].channel);
		uint64_t hash = hash_of(r, &arriving->client, key);
		enum tp_status status = TP_STATUS_OK;

		if (!r->peers[p].channel)
			continue;
		// The client's other allocation has the number, there already.
		if (relay_find_client(r, &arriving->client, key, hash) != RELAY_NONE)
			status = TP_STATUS_CONFLICT;
		else if (index_insert(&r->client_index, hash, relay_channel_line(r, p)) < 0)
			status = TP_STATUS_NO_SPACE;
		if (status == TP_STATUS_OK)
			continue;
		erase_channels(r, slot, p, arriving);
		return status;
	}
	return TP_STATUS_OK;
}

static void rekey(struct relay *r, uint32_t line, const struct tp_ip *client, uint64_t key)
{
	struct client_line *l = &r->clients[line];

	index_erase(&r->client_index, line_hash(r, line), line);
	l->client = *client;
	l->key = (l->key & ~((1ull << CLIENT_KEY_BITS) - 1)) | key;
}

enum tp_status move_settle(struct relay *r, uint32_t slot)
{
	const struct client_line arriving = r->clients[arriving_line(r, slot)];
	struct port_line *port = allocation_port_line(r, slot);

	enum tp_status status = insert_channels(r, slot, &arriving);

	if (status != TP_STATUS_OK)
		return status;
	for (uint32_t p = r->allocations[slot].peers; p != RELAY_NONE; p = r->links[p].next) {
		if (r->peers[p].channel)
			rekey(r, relay_channel_line(r, p), &arriving.client,
				key_of_channel(arriving.key, r->peers[p].channel));
	}
	rekey(r, slot, &arriving.client, arriving.key);
	// Into the place of the arriving line's: there is room.
	index_erase(&r->client_index, line_hash(r, slot), arriving_line(r, slot));
	index_insert(&r->client_index, line_hash(r, slot), slot);
	r->clients[arriving_line(r, slot)] = (struct client_line){0};
	r->moving--;
	destination_give_back(r, port->destination);
	port->destination = arriving.destination;
	port->client = arriving.client;
	port->client_port = (uint16_t)arriving.key;
	port->server = (uint8_t)(arriving.key >> 32);
	port->transport = (uint8_t)(arriving.key >> 40);
	return TP_STATUS_OK;
}

void move_note(struct relay *r, struct client_line *l, uint32_t tick)
{
	if (l->until == tick || r->arrivals == RELAY_ARRIVALS)
		return;
	l->until = tick;
	r->arrival[r->arrivals++] = (struct tp_arrival){
		.client = {.ip = l->client, .port = (uint16_t)l->key},
		.allocation = l->allocation,
		.server = (uint8_t)(l->key >> 32),
		.transport = (uint8_t)(l->key >> 40),
	};
}

bool relay_arrival(struct relay *r, struct tp_arrival *out)
{
	if (!r->arrivals)
		return false;
	*out = r->arrival[--r->arrivals];
	return true;
}

struct client_line *move_channel(
	struct relay *r, const struct tp_ip *ip, uint64_t key, uint32_t tick)
{
	for (uint16_t family = TP_IPV4; family <= TP_IPV6; family++) {
		uint64_t own = key_of_channel(key, family);
		uint32_t line = relay_find_client(r, ip, own, hash_of(r, ip, own)), p;

		if (line == RELAY_NONE || !is_arriving_line(r, line))
			continue;
		move_note(r, &r->clients[line], tick);
		p = relay_find_channel(r, r->clients[line].allocation, (uint16_t)(key >> 16));
		if (p != RELAY_NONE)
			return &r->clients[relay_channel_line(r, p)];
	}
	return NULL;
}

void relay_stay(struct relay *r, uint32_t slot)
{
	if (slot < r->capabilities.allocations)
		move_drop(r, slot);
}
