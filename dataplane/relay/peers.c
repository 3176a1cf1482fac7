// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Putting and dropping permissions and channels (RFC 8656 sections 9 and 12).

#include "tables.h"

// The relay address of our own that this is, in the form told to clients or on the host: NOT_OURS.
static uint8_t own_relay(const struct relay *r, const struct tp_ip *ip)
{
	const struct tp_capabilities *c = &r->capabilities;

	for (uint32_t i = 0; i < c->relays; i++)
		if (tp_ip_equal(&c->relay[i].public_, ip) || tp_ip_equal(&c->relay[i].local, ip))
			return (uint8_t)i;
	return NOT_OURS;
}

static uint32_t take_free(struct relay *r)
{
	uint32_t p = r->free_peers;

	if (p != RELAY_NONE) {
		r->free_peers = r->links[p].next;
		return p;
	}
	return r->fresh_peers < r->capabilities.peers ? r->fresh_peers++ : RELAY_NONE;
}

static void give_free(struct relay *r, uint32_t p)
{
	r->links[p] = (struct peer_link){.allocation = RELAY_NONE, .next = r->free_peers};
	r->free_peers = p;
}

// What the port line knows about its last peer may have changed.
static void forget_last_peer(struct relay *r, uint32_t slot)
{
	allocation_port_line(r, slot)->until = 0;
}

// Makes the record and puts it in its allocation's list and the index. RELAY_NONE: no space.
static uint32_t insert(struct relay *r, const struct tp_command *c, uint16_t port, uint16_t channel)
{
	struct allocation *a = &r->allocations[c->allocation];
	uint8_t target = own_relay(r, &c->peer.ip);
	uint32_t p = take_free(r);
	uint32_t destination = 0;

	if (p == RELAY_NONE)
		return RELAY_NONE;
	if (target == NOT_OURS && !destination_take(r, &c->peer.ip, &destination)) {
		give_free(r, p);
		return RELAY_NONE;
	}
	if (index_insert(&r->peer_index, peer_hash(r, c->allocation, &c->peer.ip, port), p) < 0) {
		destination_give_back(r, destination);
		give_free(r, p);
		return RELAY_NONE;
	}
	r->peers[p] = (struct peer){
		.ip = c->peer.ip,
		.allocation = c->allocation,
		.port = port,
		.channel = channel,
		.expires = clock_tick(c->expires_ms),
		.target = target,
		.destination = destination,
	};
	r->links[p] = (struct peer_link){
		.allocation = c->allocation,
		.generation = c->generation,
		.next = a->peers,
		.previous = RELAY_NONE,
	};
	if (a->peers != RELAY_NONE)
		r->links[a->peers].previous = p;
	a->peers = p;
	return p;
}

static void unlink_peer(struct relay *r, uint32_t p)
{
	const struct peer_link *l = &r->links[p];

	if (l->next != RELAY_NONE)
		r->links[l->next].previous = l->previous;
	if (l->previous != RELAY_NONE)
		r->links[l->previous].next = l->next;
	else
		r->allocations[l->allocation].peers = l->next;
}

static uint64_t channel_hash(const struct relay *r, uint32_t slot, uint16_t channel, uint64_t *key)
{
	const struct client_line *l = &r->clients[slot];

	*key = client_key(
		(uint16_t)l->key, channel, (uint8_t)(l->key >> 32), (uint8_t)(l->key >> 40));
	return hash_address(&r->key, &l->client, *key);
}

// The channel's record whatever allocation of this client has it, or RELAY_NONE.
uint32_t relay_find_channel(const struct relay *r, uint32_t slot, uint16_t channel)
{
	uint64_t key, hash = channel_hash(r, slot, channel, &key);
	uint32_t line = relay_find_client(r, &r->clients[slot].client, key, hash);

	return line == RELAY_NONE ? RELAY_NONE : line - relay_channel_line(r, 0);
}

// Takes a permission or channel out of every table.
void peer_drop(struct relay *r, uint32_t p)
{
	struct peer *peer = &r->peers[p];
	uint32_t slot = peer->allocation;
	uint32_t line = relay_channel_line(r, p);

	if (peer->channel) {
		uint64_t key, hash = channel_hash(r, slot, peer->channel, &key);

		index_erase(&r->client_index, hash, line);
		client_line_end(r, &r->clients[line]);
		lease_lines(r, slot, LEASE_TO_PEER, -1);
		r->clients[line] = (struct client_line){0};
		r->usage.channels--;
	} else {
		r->usage.permissions--;
	}
	index_erase(&r->peer_index, peer_hash(r, slot, &peer->ip, peer->port), p);
	unlink_peer(r, p);
	forget_last_peer(r, slot);
	destination_give_back(r, peer->destination);
	*peer = (struct peer){0};
	give_free(r, p);
}

static void refresh(struct relay *r, const struct tp_command *c, uint32_t p)
{
	r->peers[p].expires = clock_tick(c->expires_ms);
	r->links[p].generation = c->generation;
	forget_last_peer(r, c->allocation);
}

enum tp_status permission_put(struct relay *r, const struct tp_command *c)
{
	uint32_t p = relay_find_peer(r, c->allocation, &c->peer.ip, 0);

	if (p != RELAY_NONE) {
		refresh(r, c, p);
		return TP_STATUS_OK;
	}
	if (insert(r, c, 0, 0) == RELAY_NONE)
		return TP_STATUS_NO_SPACE;
	forget_last_peer(r, c->allocation);
	r->usage.permissions++;
	return TP_STATUS_OK;
}

static enum tp_status channel_insert(struct relay *r, const struct tp_command *c)
{
	const struct client_line *own = &r->clients[c->allocation];
	uint64_t key, hash = channel_hash(r, c->allocation, c->channel, &key);
	uint32_t p = insert(r, c, c->peer.port, c->channel);
	uint32_t line = relay_channel_line(r, p);

	if (p == RELAY_NONE)
		return TP_STATUS_NO_SPACE;
	if (index_insert(&r->client_index, hash, line) < 0) {
		index_erase(
			&r->peer_index, peer_hash(r, c->allocation, &c->peer.ip, c->peer.port), p);
		unlink_peer(r, p);
		destination_give_back(r, r->peers[p].destination);
		give_free(r, p);
		return TP_STATUS_NO_SPACE;
	}
	r->clients[line] = (struct client_line){
		.client = own->client,
		.peer = c->peer.ip,
		.key = key | (uint64_t)client_line_relay(own) << CLIENT_KEY_BITS |
		       (uint64_t)r->peers[p].target << (CLIENT_KEY_BITS + 8),
		.peer_port = c->peer.port,
		.relay_port = own->relay_port,
		.until = clock_earlier(r->peers[p].expires, own->until),
		.allocation = c->allocation,
		.destination = r->peers[p].destination,
	};
	lease_lines(r, c->allocation, LEASE_TO_PEER, 1);
	forget_last_peer(r, c->allocation);
	r->usage.channels++;
	return TP_STATUS_OK;
}

// RFC 8656 section 12.2: a number bound to another peer, or a peer bound to another number, is refused
// while that binding is in force; after it, number and peer are free.
enum tp_status channel_put(struct relay *r, const struct tp_command *c, uint64_t now)
{
	uint32_t tick = clock_tick(now);
	uint32_t by_number = relay_find_channel(r, c->allocation, c->channel);
	uint32_t by_peer = relay_find_peer(r, c->allocation, &c->peer.ip, c->peer.port);

	if (by_number != RELAY_NONE && by_number == by_peer) {
		refresh(r, c, by_peer);
		r->clients[relay_channel_line(r, by_peer)].until = clock_earlier(
			r->peers[by_peer].expires, r->allocations[c->allocation].expires);
		return TP_STATUS_OK;
	}
	if ((by_number != RELAY_NONE && clock_live(r->peers[by_number].expires, tick)) ||
		(by_peer != RELAY_NONE && clock_live(r->peers[by_peer].expires, tick)))
		return TP_STATUS_CONFLICT;
	if (by_number != RELAY_NONE)
		peer_drop(r, by_number);
	if (by_peer != RELAY_NONE)
		peer_drop(r, by_peer);
	return channel_insert(r, c);
}

void permission_drop(struct relay *r, uint32_t slot, const struct tp_ip *ip)
{
	uint32_t p = relay_find_peer(r, slot, ip, 0);

	if (p != RELAY_NONE)
		peer_drop(r, p);
}

void channel_drop(struct relay *r, uint32_t slot, uint16_t channel)
{
	uint32_t p = relay_find_channel(r, slot, channel);

	if (p != RELAY_NONE && r->peers[p].allocation == slot)
		peer_drop(r, p);
}
