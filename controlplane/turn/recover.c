// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// From the vault's records to a table, and the check that both agree.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "table.h"

static enum tp_family family_of(const struct table *t, const struct tp_vault_allocation *a)
{
	return tp_ip_family(&t->relays[table_relay_at(t, a->relay)].local);
}

// A second record of a 5-tuple is the twin of the first: the other family's, and the same user's.
static bool tuple_valid(const struct table *t, const struct tp_vault_allocation *a)
{
	const struct tp_endpoint client = vault_client(a);
	const uint32_t other = table_find(
		t, &client, &t->vault.header->server[a->server], a->transport);
	struct tp_endpoint others;

	if (other == TABLE_NONE)
		return true;
	others = vault_client(table_record(t, other));
	return t->slots[other].twin == TABLE_NONE && tp_endpoint_equal(&others, &client) &&
	       table_family(t, other) != family_of(t, a) &&
	       !memcmp(table_record(t, other)->user_hash, a->user_hash, sizeof(a->user_hash));
}

static bool record_valid(const struct table *t, const struct tp_vault_allocation *a)
{
	return table_relay_at(t, a->relay) < t->relays_count && a->client_port &&
	       t->vault.header->server[a->server].port && a->transport == TP_UDP && a->serial &&
	       a->serial <= t->vault.header->serial && tuple_valid(t, a);
}

static bool restore_slot(struct table *t, uint32_t slot)
{
	struct tp_vault_allocation *a = table_record(t, slot);
	uint32_t relay = table_relay_at(t, a->relay);
	struct tp_ip party;

	// The last control plane died while it copied.
	if (tp_mobility_moving(a->mobility) == TP_VAULT_SETTLING)
		vault_settle(a);
	if (!record_valid(t, a) || ports_take_exactly(&t->relays[relay].ports, a->relay_port) != 0)
		return false;
	party = tp_ip_party(&a->client_ip);
	t->server_records[a->server]++;
	table_restore_quotas(t, a->user_hash, &party);
	t->slots[slot] = (struct slot){.peers = TABLE_NONE,
		.in_force = SLOT_NOWHERE,
		.reservation = RESERVATION_NONE,
		.state = SLOT_LIVE,
		.relay = (uint8_t)relay,
		.holder = holders_find(&t->holders, a->user_hash)};
	table_enter(t, slot);
	table_restore_move(t, slot);
	t->live++;
	return true;
}

static bool peer_valid(const struct table *t, const struct tp_vault_peer *p)
{
	const struct tp_vault_allocation *a;
	struct tp_endpoint peer;

	if (p->allocation >= t->vault.header->allocations ||
		t->slots[p->allocation].state != SLOT_LIVE)
		return false;
	a = table_record(t, p->allocation);
	if (a->serial != p->serial || tp_ip_family(&p->ip) != table_family(t, p->allocation))
		return false;
	peer = vault_peer(p);
	// Time 0: the expired ones count as well.
	if (!p->channel)
		return !p->port && table_find_permission(t, p->allocation, &p->ip, 0) == TABLE_NONE;
	return p->channel >= TP_CHANNEL_MIN && p->channel <= TP_CHANNEL_MAX_5766 && p->port &&
	       table_find_channel(t, p->allocation, p->channel, 0) == TABLE_NONE &&
	       table_find_channel_to(t, p->allocation, &peer, 0) == TABLE_NONE;
}

static bool restore_peer(struct table *t, uint32_t index)
{
	const struct tp_vault_peer *p = table_peer(t, index);
	struct slot *s;

	if (!peer_valid(t, p))
		return false;
	s = &t->slots[p->allocation];
	if (s->peers_count >= TABLE_PEERS_MAX)
		return false;
	t->peers[index] = (struct peer_slot){
		.next = s->peers, .expiry = peer_expiry(p->expires_ms), .put_by = PEER_PUT_BY_NONE};
	s->peers = index;
	t->reserved_peers -= s->peers_count < TABLE_PEERS_OWED;
	table_count_peer(t, p->allocation, p->channel, true);
	return true;
}

static void restore(struct table *t, uint64_t *bad)
{
	t->free_slot = t->free_peer = TABLE_NONE;
	t->reserved_peers = TABLE_PEERS_OWED * t->vault.header->allocations;
	// Backwards, so that the free lists begin with the lowest.
	for (uint32_t i = t->vault.header->allocations; i-- > 0;) {
		struct tp_vault_allocation *a = table_record(t, i);

		if (vault_is_live(&a->expires_ms)) {
			if (restore_slot(t, i))
				continue;
			++*bad;
		}
		vault_free(&a->expires_ms);
		t->slots[i] = (struct slot){.peers = TABLE_NONE,
			.twin = TABLE_NONE,
			.reservation = RESERVATION_NONE,
			.next = t->free_slot};
		t->free_slot = i;
	}
	for (uint32_t i = t->vault.header->peers; i-- > 0;) {
		struct tp_vault_peer *p = table_peer(t, i);

		if (vault_is_live(&p->expires_ms)) {
			if (restore_peer(t, i))
				continue;
			++*bad;
		}
		vault_free(&p->expires_ms);
		t->peers[i] = (struct peer_slot){.next = t->free_peer, .put_by = PEER_PUT_BY_NONE};
		t->free_peer = i;
	}
	for (uint32_t i = t->reservations.capacity; i-- > 0;) {
		if (!vault_is_live(&table_reservation(t, i)->expires_ms))
			reservations_restore(&t->reservations, i, false);
		else if (!table_restore_reservation(t, i))
			++*bad;
	}
}

static void *take_memory(uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static uint64_t slots_size(const struct table *t)
{
	return (uint64_t)t->vault.header->allocations * sizeof(struct slot);
}

static uint64_t peers_size(const struct table *t)
{
	return (uint64_t)t->vault.header->peers * sizeof(struct peer_slot);
}

static uint64_t heads_size(const struct table *t)
{
	return (uint64_t)t->vault.header->allocations * sizeof(uint32_t);
}

int table_create(
	struct table **out, struct vault *vault, const struct table_config *config, uint64_t *bad)
{
	struct table *t = calloc(1, sizeof(*t));
	uint32_t n;
	int err;

	*out = NULL;
	if (!t) {
		vault_close(vault);
		return -ENOMEM;
	}
	t->vault = *vault;
	*vault = (struct vault){.fd = -1};
	t->limits = config->limits;
	n = t->vault.header->allocations;
	t->slots = take_memory(slots_size(t));
	t->peers = take_memory(peers_size(t));
	t->heads = take_memory(heads_size(t));
	err = -ENOMEM;
	if (!t->slots || !t->peers || !t->heads)
		goto fail;
	memset(t->heads, 0xff, heads_size(t)); // TABLE_NONE
	err = reservations_create(&t->reservations, t->vault.reservations, tp_reservations_for(n));
	// Reservations count as well.
	if (!err)
		err = holders_create(&t->holders, tp_users_for(n), t->vault.header->index_key);
	if (!err)
		// An allocation whose client moves counts for two.
		err = quota_create(&t->by_address, config->allocations_per_address,
			2 * n + tp_reservations_for(n), t->vault.header->index_key);
	for (uint32_t i = 0; i < config->relays_count && !err; i++) {
		t->relays[i].local = config->relays[i].local;
		t->relays[i].public_ = config->relays[i].public_;
		t->relays[i].published = 0xff;
		err = ports_create(&t->relays[i].ports, config->port_min, config->port_max);
		t->relays_count++;
		t->relays[i].live = calloc(t->relays[i].ports.total / 8 + 1, 1);
		if (!t->relays[i].live && !err)
			err = -ENOMEM;
	}
	if (err)
		goto fail;
	table_find_relays(t);
	restore(t, bad);
	table_place_relays(t);
	*out = t;
	return 0;
fail:
	table_destroy(t);
	return err;
}

void table_destroy(struct table *t)
{
	if (!t)
		return;
	if (t->slots)
		munmap(t->slots, slots_size(t));
	if (t->peers)
		munmap(t->peers, peers_size(t));
	if (t->heads)
		munmap(t->heads, heads_size(t));
	for (uint32_t i = 0; i < t->relays_count; i++) {
		ports_destroy(&t->relays[i].ports);
		free(t->relays[i].live);
	}
	reservations_destroy(&t->reservations);
	holders_destroy(&t->holders);
	quota_destroy(&t->by_address);
	vault_close(&t->vault);
	free(t);
}

#define REQUIRE(condition, ...) \
	do { \
		if (!(condition)) { \
			snprintf(why, size, __VA_ARGS__); \
			return -EINVAL; \
		} \
	} while (0)

static int check_slot(const struct table *t, uint32_t slot, char *why, size_t size)
{
	const struct tp_vault_allocation *a = table_record(t, slot);
	const struct tp_endpoint client = vault_client(a), next = vault_next(a);
	const struct tp_endpoint server = table_server(t, slot);
	const struct slot *s = &t->slots[slot];
	uint32_t n = 0, channels = 0, first;

	REQUIRE(vault_is_live(&a->expires_ms) == (s->state == SLOT_LIVE),
		"slot %u: record and slot disagree about being live", slot);
	if (s->state != SLOT_LIVE)
		return 0;
	first = table_find(t, &client, &server, a->transport);
	REQUIRE(first != TABLE_NONE && (first == slot || t->slots[first].twin == slot),
		"slot %u: not found by its 5-tuple", slot);
	if (table_moving(t, slot)) {
		const struct tp_endpoint next_server = table_next_server(t, slot);

		first = table_find(t, &next, &next_server, a->transport);
		REQUIRE(first != TABLE_NONE && (first == slot || t->slots[first].twin == slot),
			"slot %u: not found by the 5-tuple that it moves to", slot);
	}
	REQUIRE(s->twin == TABLE_NONE ||
			(t->slots[s->twin].state == SLOT_LIVE && t->slots[s->twin].twin == slot &&
				table_family(t, s->twin) != table_family(t, slot) &&
				!memcmp(table_record(t, s->twin)->user_hash, a->user_hash, 16)),
		"slot %u: %u is no twin of it", slot, s->twin);
	REQUIRE(s->reservation == RESERVATION_NONE ||
			(vault_is_live(&table_reservation(t, s->reservation)->expires_ms) &&
				table_reservation(t, s->reservation)->serial == a->serial),
		"slot %u: %u is no reservation of it", slot, s->reservation);
	REQUIRE(table_relay_at(t, a->relay) == s->relay, "slot %u: wrong relay", slot);
	REQUIRE(ports_used(&t->relays[s->relay].ports, a->relay_port),
		"slot %u: its port %u is free", slot, a->relay_port);
	REQUIRE(table_is_relayed(t, &t->relays[s->relay].local, a->relay_port),
		"slot %u: its port %u is nobody's", slot, a->relay_port);
	for (uint32_t i = s->peers; i != TABLE_NONE; i = t->peers[i].next, n++) {
		const struct tp_vault_peer *p = table_peer(t, i);

		REQUIRE(vault_is_live(&p->expires_ms) && p->allocation == slot &&
				p->serial == a->serial,
			"slot %u: peer %u is not its own", slot, i);
		channels += p->channel != 0;
	}
	REQUIRE(n == s->peers_count, "slot %u: %u peers, counted %u", slot, n, s->peers_count);
	REQUIRE(channels == s->channels_count, "slot %u: %u channels, counted %u", slot, channels,
		s->channels_count);
	REQUIRE(s->holder == holders_find(&t->holders, a->user_hash) && s->holder != HOLDER_NONE,
		"slot %u: another's holder", slot);
	return 0;
}

// Each allocation and reservation counts once in the quota of addresses, and a second time where it moves to
// another party.
static int check_parties(const struct table *t, char *why, size_t size)
{
	uint32_t held = t->live + t->reservations.used;

	for (uint32_t i = 0; i < t->vault.header->allocations; i++) {
		const struct tp_vault_allocation *a = table_record(t, i);
		const struct tp_ip party = tp_ip_party(&a->client_ip);
		const struct tp_ip next = tp_ip_party(&a->next_ip);

		if (t->slots[i].state != SLOT_LIVE)
			continue;
		REQUIRE(!t->by_address.limit || quota_count(&t->by_address, party.b),
			"slot %u counts for no address", i);
		if (!table_moving(t, i) || tp_ip_equal(&party, &next))
			continue;
		REQUIRE(!t->by_address.limit || quota_count(&t->by_address, next.b),
			"slot %u does not count where it moves to", i);
		held++;
	}
	REQUIRE(!t->by_address.limit || held == t->by_address.held, "%u held by addresses, not %u",
		t->by_address.held, held);
	return 0;
}

// What each user is said to have is what the slots and reservations have that are theirs.
static int check_holders(const struct table *t, char *why, size_t size)
{
	const uint32_t capacity = t->vault.header->allocations + t->reservations.capacity;
	struct holder *seen = calloc(capacity, sizeof(*seen));
	uint32_t used = 0, i;

	REQUIRE(seen, "no memory to check holders with");
	for (i = 0; i < t->vault.header->allocations; i++) {
		const struct slot *s = &t->slots[i];

		if (s->state != SLOT_LIVE)
			continue;
		seen[s->holder].allocations++;
		seen[s->holder].channels += s->channels_count;
		seen[s->holder].permissions += s->peers_count - s->channels_count;
	}
	for (i = 0; i < t->reservations.capacity; i++) {
		const struct tp_vault_reservation *k = table_reservation(t, i);

		if (vault_is_live(&k->expires_ms))
			seen[holders_find(&t->holders, k->user_hash)].allocations++;
	}
	for (i = 0; i < capacity; i++) {
		const struct holder *h = &t->holders.entries[i];

		if (seen[i].allocations != h->allocations ||
			(h->allocations && (seen[i].channels != h->channels ||
						   seen[i].permissions != h->permissions)))
			break;
		used += h->allocations != 0;
	}
	free(seen);
	REQUIRE(i == capacity, "holder %u: its counts are not its slots'", i);
	REQUIRE(used == t->holders.used, "%u holders of %u", used, t->holders.used);
	return 0;
}

// Each place of a server address is named as often as is counted.
static int check_servers(const struct table *t, char *why, size_t size)
{
	uint32_t named[TP_VAULT_SERVERS] = {0};

	for (uint32_t i = 0; i < t->vault.header->allocations; i++) {
		if (t->slots[i].state != SLOT_LIVE)
			continue;
		named[table_record(t, i)->server]++;
		if (table_moving(t, i))
			named[table_record(t, i)->next_server]++;
	}
	for (uint32_t i = 0; i < TP_VAULT_SERVERS; i++)
		REQUIRE(named[i] == t->server_records[i], "place %u is named %u times, counted %u",
			i, named[i], t->server_records[i]);
	return 0;
}

int table_check(const struct table *t, char *why, size_t size)
{
	uint32_t live = 0, dropping = 0, peers = 0, used = 0, free_slots = 0, free_peers = 0,
		 owed = 0, reserved = 0;

	for (uint32_t i = 0; i < t->vault.header->allocations; i++) {
		int err = check_slot(t, i, why, size);

		if (err)
			return err;
		live += t->slots[i].state == SLOT_LIVE;
		dropping += t->slots[i].state == SLOT_DROPPING;
		peers += t->slots[i].state == SLOT_LIVE ? t->slots[i].peers_count : 0;
		if (t->slots[i].peers_count < TABLE_PEERS_OWED)
			owed += TABLE_PEERS_OWED - t->slots[i].peers_count;
	}
	for (uint32_t i = t->free_slot; i != TABLE_NONE; i = t->slots[i].next)
		free_slots++;
	for (uint32_t i = t->free_peer; i != TABLE_NONE; i = t->peers[i].next)
		free_peers++;
	for (uint32_t i = 0; i < t->relays_count; i++)
		used += t->relays[i].ports.total - t->relays[i].ports.free;
	REQUIRE(live == t->live && dropping == t->dropping, "%u live of %u, %u dropping of %u",
		live, t->live, dropping, t->dropping);
	for (uint32_t i = 0; i < t->reservations.capacity; i++) {
		const struct tp_vault_reservation *k = table_reservation(t, i);

		if (!vault_is_live(&k->expires_ms))
			continue;
		reserved++;
		REQUIRE(reservations_find(&t->reservations, k->token) == i &&
				holders_find(&t->holders, k->user_hash) != HOLDER_NONE &&
				ports_used(&t->relays[table_relay_at(t, k->relay)].ports,
					k->relay_port) &&
				!table_is_relayed(t, &t->relays[table_relay_at(t, k->relay)].local,
					k->relay_port),
			"reservation %u can't be used", i);
	}
	REQUIRE(reserved == t->reservations.used, "%u reservations of %u", reserved,
		t->reservations.used);
	REQUIRE(used == live + dropping + reserved, "%u ports used by %u allocations", used,
		live + dropping);
	REQUIRE(peers == t->live_peers, "%u peers of %u", peers, t->live_peers);
	REQUIRE(free_slots + live + dropping == t->vault.header->allocations, "%u free slots",
		free_slots);
	REQUIRE(free_peers + peers == t->vault.header->peers, "%u free peers", free_peers);
	REQUIRE(owed == t->reserved_peers, "%u peers owed, %u reserved", owed, t->reserved_peers);
	REQUIRE(free_peers >= owed, "%u free peers, %u owed", free_peers, owed);
	for (uint32_t i = 0; i < t->vault.header->peers; i++)
		peers -= vault_is_live(&table_peer(t, i)->expires_ms);
	REQUIRE(peers == 0, "records of peers that no allocation has");
	if (check_parties(t, why, size) || check_servers(t, why, size))
		return -EINVAL;
	return check_holders(t, why, size);
}
