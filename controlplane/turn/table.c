// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <string.h>

#include "../auth/siphash.h"
#include "table.h"

static uint32_t *chain(const struct table *t, const struct tp_endpoint *client,
	const struct tp_endpoint *server, uint8_t transport)
{
	uint8_t key[37];

	memcpy(key, client->ip.b, 16);
	memcpy(key + 16, &client->port, 2);
	memcpy(key + 18, server->ip.b, 16);
	memcpy(key + 34, &server->port, 2);
	key[36] = transport;
	return &t->heads[siphash_below(siphash64(t->vault.header->index_key, key, sizeof(key)),
		t->vault.header->allocations)];
}

enum tp_family table_family(const struct table *t, uint32_t slot)
{
	return tp_ip_family(&t->relays[t->slots[slot].relay].local);
}

uint32_t table_of_family(const struct table *t, uint32_t slot, enum tp_family family)
{
	if (table_family(t, slot) == family)
		return slot;
	return t->slots[slot].twin; // has the other family, if it is there
}

// A slot stands in the chains under its number, and while it moves once more, with the capacity added.
static bool is_moving_node(const struct table *t, uint32_t node)
{
	return node >= t->vault.header->allocations;
}

static uint32_t node_slot(const struct table *t, uint32_t node)
{
	return is_moving_node(t, node) ? node - t->vault.header->allocations : node;
}

static uint32_t *node_next(struct table *t, uint32_t node)
{
	return is_moving_node(t, node) ? &t->slots[node_slot(t, node)].next_moving
				       : &t->slots[node].next;
}

static struct tp_endpoint node_client(const struct table *t, uint32_t node)
{
	const struct tp_vault_allocation *a = table_record(t, node_slot(t, node));

	return is_moving_node(t, node) ? vault_next(a) : vault_client(a);
}

static struct tp_endpoint node_server(const struct table *t, uint32_t node)
{
	return is_moving_node(t, node) ? table_next_server(t, node_slot(t, node))
				       : table_server(t, node);
}

static uint32_t *chain_of(const struct table *t, uint32_t node)
{
	const struct tp_endpoint client = node_client(t, node), server = node_server(t, node);

	return chain(t, &client, &server, table_record(t, node_slot(t, node))->transport);
}

void table_link(struct table *t, uint32_t slot, bool moving)
{
	uint32_t node = moving ? slot + t->vault.header->allocations : slot;
	uint32_t *head = chain_of(t, node);

	*node_next(t, node) = *head;
	*head = node;
}

void table_unlink(struct table *t, uint32_t slot, bool moving)
{
	uint32_t node = moving ? slot + t->vault.header->allocations : slot;
	uint32_t *link = chain_of(t, node);

	while (*link != node)
		link = node_next(t, *link);
	*link = *node_next(t, node);
}

// The first node of a 5-tuple.
static uint32_t search(const struct table *t, const struct tp_endpoint *client,
	const struct tp_endpoint *server, uint8_t transport)
{
	uint32_t at = *chain(t, client, server, transport);

	while (at != TABLE_NONE) {
		const struct tp_endpoint c = node_client(t, at), s = node_server(t, at);

		if (tp_endpoint_equal(&c, client) && tp_endpoint_equal(&s, server) &&
			table_record(t, node_slot(t, at))->transport == transport)
			return at;
		at = is_moving_node(t, at) ? t->slots[node_slot(t, at)].next_moving
					   : t->slots[at].next;
	}
	return TABLE_NONE;
}

uint32_t table_find(const struct table *t, const struct tp_endpoint *client,
	const struct tp_endpoint *server, uint8_t transport)
{
	uint32_t node = search(t, client, server, transport), slot, first;

	if (node == TABLE_NONE)
		return TABLE_NONE;
	slot = node_slot(t, node);
	first = table_of_family(t, slot, TP_IPV4);
	return first == TABLE_NONE ? slot : first;
}

static void set_live(struct table *t, uint8_t relay, uint16_t port, bool live)
{
	const uint32_t offset = (uint32_t)port - t->relays[relay].ports.min;
	uint8_t *byte = &t->relays[relay].live[offset / 8];
	const uint8_t bit = (uint8_t)(1u << offset % 8);

	*byte = live ? *byte | bit : *byte & (uint8_t)~bit;
}

static bool is_live(const struct table_relay *r, uint16_t port)
{
	const uint32_t offset = (uint32_t)port - r->ports.min;

	return port >= r->ports.min && offset < r->ports.total &&
	       r->live[offset / 8] >> offset % 8 & 1;
}

void table_enter(struct table *t, uint32_t slot)
{
	const struct tp_vault_allocation *a = table_record(t, slot);
	const struct tp_endpoint client = vault_client(a), server = table_server(t, slot);
	uint32_t twin = search(t, &client, &server, a->transport);

	t->slots[slot].twin = twin;
	if (twin != TABLE_NONE)
		t->slots[twin].twin = slot;
	table_link(t, slot, false);
	set_live(t, t->slots[slot].relay, table_record(t, slot)->relay_port, true);
}

static void index_remove(struct table *t, uint32_t slot)
{
	table_unlink(t, slot, false);
	if (t->slots[slot].twin != TABLE_NONE)
		t->slots[t->slots[slot].twin].twin = TABLE_NONE;
	t->slots[slot].twin = TABLE_NONE;
}

int table_take_quotas(struct table *t, const uint8_t user_hash[16], const struct tp_ip *party)
{
	int err = holders_take(&t->holders, user_hash, t->limits.allocations_per_user);

	if (err)
		return err;
	err = quota_take(&t->by_address, party->b);
	if (err)
		holders_release(&t->holders, user_hash);
	return err;
}

void table_restore_quotas(struct table *t, const uint8_t user_hash[16], const struct tp_ip *party)
{
	holders_take(&t->holders, user_hash, 0);
	quota_restore(&t->by_address, party->b);
}

void table_release_quotas(struct table *t, const uint8_t user_hash[16], const struct tp_ip *party)
{
	holders_release(&t->holders, user_hash);
	quota_release(&t->by_address, party->b);
}

uint32_t table_place(struct table *t, const struct tp_vault_allocation *record, uint8_t relay,
	uint16_t port, uint64_t serial)
{
	uint32_t slot = t->free_slot;
	struct tp_vault_allocation *a = table_record(t, slot);

	t->free_slot = t->slots[slot].next;
	memcpy((uint8_t *)a + sizeof(a->expires_ms),
		(const uint8_t *)record + sizeof(a->expires_ms),
		sizeof(*a) - sizeof(a->expires_ms));
	a->serial = serial;
	a->relay = t->relays[relay].place;
	a->relay_port = port;
	vault_live(&a->expires_ms, record->expires_ms);
	t->server_records[a->server]++;
	t->slots[slot] = (struct slot){.peers = TABLE_NONE,
		.reservation = RESERVATION_NONE,
		.state = SLOT_LIVE,
		.relay = relay,
		.holder = holders_find(&t->holders, a->user_hash)};
	table_enter(t, slot);
	t->live++;
	return slot;
}

int table_add(struct table *t, const struct tp_vault_allocation *record, uint8_t relay,
	uint32_t random, enum ports_kind kind, uint32_t *slot)
{
	const struct tp_ip party = tp_ip_party(&record->client_ip);
	int port, err;

	if (t->free_slot == TABLE_NONE)
		return -EDQUOT; // the quota in total
	err = table_take_quotas(t, record->user_hash, &party);
	if (err)
		return err;
	port = ports_take(&t->relays[relay].ports, random, kind);
	if (port < 0) {
		table_release_quotas(t, record->user_hash, &party);
		return port;
	}
	*slot = table_place(t, record, relay, (uint16_t)port, ++t->vault.header->serial);
	return 0;
}

void table_move(struct table *t, uint32_t slot, uint8_t relay, uint16_t port)
{
	struct tp_vault_allocation *a = table_record(t, slot);
	const uint64_t expires_ms = a->expires_ms;

	set_live(t, t->slots[slot].relay, a->relay_port, false);
	// Address and port are no single word; nobody has been told of this allocation yet.
	vault_free(&a->expires_ms);
	a->relay = t->relays[relay].place;
	a->relay_port = port;
	vault_live(&a->expires_ms, expires_ms);
	t->slots[slot].relay = relay;
	set_live(t, relay, port, true);
}

int table_change_port(
	struct table *t, uint32_t slot, uint8_t relay, uint32_t random, enum ports_kind kind)
{
	int port = ports_take(&t->relays[relay].ports, random, kind);

	if (port < 0)
		return port;
	table_move(t, slot, relay, (uint16_t)port);
	return 0;
}

void table_release_port(struct table *t, uint8_t relay, uint16_t port)
{
	ports_release(&t->relays[relay].ports, port);
}

void table_drop(struct table *t, uint32_t slot)
{
	struct tp_vault_allocation *a = table_record(t, slot);
	struct tp_ip party = tp_ip_party(&a->client_ip);
	const struct table_move still = {.mobility = 0};

	while (t->slots[slot].peers != TABLE_NONE)
		table_remove_peer(t, t->slots[slot].peers);
	table_undo_move(t, slot, &still);
	index_remove(t, slot);
	set_live(t, t->slots[slot].relay, a->relay_port, false);
	vault_free(&a->expires_ms);
	t->server_records[a->server]--;
	table_release_quotas(t, a->user_hash, &party);
	t->slots[slot].state = SLOT_DROPPING;
	t->live--;
	t->dropping++;
}

void table_dropped(struct table *t, uint32_t slot)
{
	ports_release(&t->relays[t->slots[slot].relay].ports, table_record(t, slot)->relay_port);
	t->slots[slot] = (struct slot){.state = SLOT_FREE,
		.peers = TABLE_NONE,
		.twin = TABLE_NONE,
		.reservation = RESERVATION_NONE,
		.next = t->free_slot};
	t->free_slot = slot;
	t->dropping--;
}

void table_set_expiry(struct table *t, uint32_t slot, uint64_t expires_ms)
{
	vault_set_expiry(&table_record(t, slot)->expires_ms, expires_ms);
}

uint32_t table_find_permission(
	const struct table *t, uint32_t slot, const struct tp_ip *ip, uint64_t now)
{
	for (uint32_t i = t->slots[slot].peers; i != TABLE_NONE; i = t->peers[i].next) {
		const struct tp_vault_peer *p = table_peer(t, i);

		if (!p->channel && tp_ip_equal(&p->ip, ip) && p->expires_ms > now)
			return i;
	}
	return TABLE_NONE;
}

uint32_t table_find_channel(const struct table *t, uint32_t slot, uint16_t number, uint64_t now)
{
	for (uint32_t i = t->slots[slot].peers; i != TABLE_NONE; i = t->peers[i].next) {
		const struct tp_vault_peer *p = table_peer(t, i);

		if (p->channel == number && p->expires_ms > now)
			return i;
	}
	return TABLE_NONE;
}

uint32_t table_find_channel_to(
	const struct table *t, uint32_t slot, const struct tp_endpoint *peer, uint64_t now)
{
	for (uint32_t i = t->slots[slot].peers; i != TABLE_NONE; i = t->peers[i].next) {
		const struct tp_vault_peer *p = table_peer(t, i);

		if (p->channel && tp_ip_equal(&p->ip, &peer->ip) && p->port == peer->port &&
			p->expires_ms > now)
			return i;
	}
	return TABLE_NONE;
}

static bool over(uint32_t count, uint32_t limit)
{
	return limit && count >= limit;
}

// Whether limits forbid one more permission, or channel, of this slot.
static bool limited(const struct table *t, const struct slot *s, bool channel)
{
	const struct holder *h = &t->holders.entries[s->holder];
	const struct table_limits *l = &t->limits;

	if (channel)
		return over(s->channels_count, l->channels) ||
		       over(h->channels, l->channels_per_user);
	return over(s->peers_count - s->channels_count, l->permissions) ||
	       over(h->permissions, l->permissions_per_user);
}

void table_count_peer(struct table *t, uint32_t slot, bool channel, bool more)
{
	struct slot *s = &t->slots[slot];
	struct holder *h = &t->holders.entries[s->holder];
	const uint32_t one = more ? 1 : UINT32_MAX;

	s->peers_count = (uint16_t)(s->peers_count + one);
	t->live_peers += one;
	if (channel) {
		s->channels_count = (uint16_t)(s->channels_count + one);
		h->channels += one;
	} else {
		h->permissions += one;
	}
}

int table_add_peer(struct table *t, uint32_t slot, const struct tp_endpoint *peer, uint16_t channel,
	uint64_t expires_ms, uint32_t *index)
{
	const bool owed = t->slots[slot].peers_count < TABLE_PEERS_OWED;
	uint32_t i = t->free_peer;
	struct tp_vault_peer *p;

	if (limited(t, &t->slots[slot], channel))
		return -EDQUOT;
	if (i == TABLE_NONE || t->slots[slot].peers_count >= TABLE_PEERS_MAX)
		return -ENOSPC;
	if (!owed && t->vault.header->peers - t->live_peers <= t->reserved_peers)
		return -ENOSPC;
	t->reserved_peers -= owed;
	t->free_peer = t->peers[i].next;
	p = table_peer(t, i);
	p->allocation = slot;
	p->serial = table_record(t, slot)->serial;
	p->ip = peer->ip;
	p->port = channel ? peer->port : 0;
	p->channel = channel;
	vault_live(&p->expires_ms, expires_ms);
	t->peers[i] = (struct peer_slot){.next = t->slots[slot].peers,
		.expiry = peer_expiry(expires_ms),
		.put_by = PEER_PUT_BY_NONE};
	t->slots[slot].peers = i;
	table_count_peer(t, slot, channel, true);
	*index = i;
	return 0;
}

void table_remove_peer(struct table *t, uint32_t index)
{
	struct tp_vault_peer *p = table_peer(t, index);
	struct slot *s = &t->slots[p->allocation];
	uint32_t *link = &s->peers;

	while (*link != index)
		link = &t->peers[*link].next;
	*link = t->peers[index].next;
	table_count_peer(t, p->allocation, p->channel, false);
	t->reserved_peers += s->peers_count < TABLE_PEERS_OWED;
	vault_free(&p->expires_ms);
	t->peers[index] = (struct peer_slot){.next = t->free_peer, .put_by = PEER_PUT_BY_NONE};
	t->free_peer = index;
}

void table_set_peer_expiry(struct table *t, uint32_t index, uint64_t expires_ms)
{
	vault_set_expiry(&table_peer(t, index)->expires_ms, expires_ms);
	t->peers[index].expiry = peer_expiry(expires_ms);
}

bool table_is_relay(const struct table *t, const struct tp_ip *ip)
{
	for (uint32_t i = 0; i < t->relays_count; i++) {
		if (tp_ip_equal(&t->relays[i].local, ip) || tp_ip_equal(&t->relays[i].public_, ip))
			return true;
	}
	return false;
}

bool table_is_relayed(const struct table *t, const struct tp_ip *ip, uint16_t port)
{
	for (uint32_t i = 0; i < t->relays_count; i++) {
		if ((tp_ip_equal(&t->relays[i].local, ip) ||
			    tp_ip_equal(&t->relays[i].public_, ip)) &&
			is_live(&t->relays[i], port))
			return true;
	}
	return false;
}
