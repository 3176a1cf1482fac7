// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The allocations: records in the vault, and beside them in private memory all that can be rebuilt from
// the records: free slots, the index by 5-tuple, each allocation's list of peers, ports, quotas.
//
// A slot is free, live, or dropping: gone for its client, but its slot and relay port stay taken until
// the dataplane has let go of them, so that nobody else is given a port that is still bound.
#pragma once

#include "ports.h"
#include "quota.h"
#include "vault.h"

#define TABLE_NONE UINT32_MAX
#define TABLE_PEERS_MAX 256u // permissions and channels of one allocation
#define TABLE_PEERS_OWED 2u // a permission and a channel, which every allocation can have

enum slot_state {
	SLOT_FREE = 0,
	SLOT_LIVE = 1,
	SLOT_DROPPING = 2,
};

#define SLOT_NOWHERE 0u // as in_force of a live slot: no dataplane was told of it
#define SLOT_DROP_UNSENT 0u // as in_force of a dropping one: turn_tick() has to tell the dataplane

// What is known of a slot beside its record. 32 bytes.
struct slot {
	uint32_t expires_s; // coarse copy, rounded up, for the expiry scan
	uint32_t peers; // first peer, TABLE_NONE
	uint32_t next; // in its index chain, or in the free list
	uint32_t in_force; // generation under which it was told to the dataplane, or as below
	uint8_t state; // enum slot_state
	uint8_t relay; // index of its relay address here
	uint8_t pending; // its Allocate is not answered yet
	uint8_t zero;
	uint16_t peers_count;
	uint16_t server; // index of the server address as the dataplane published it
};

// What is known of a peer record beside it.
struct peer_slot {
	uint32_t expires_s; // 0: free
	uint32_t next; // of the same allocation, or in the free list
	uint32_t put_by; // pending transaction that put it last; TABLE_NONE: none that may be left
};

struct table_relay {
	struct tp_ip local;
	struct tp_ip public_;
	struct ports ports;
	uint8_t *live; // a bit for each port of the range: a live allocation's
	uint8_t published; // index as the dataplane published it, 0xff: it hasn't
};

struct table {
	struct vault vault;
	struct slot *slots;
	struct peer_slot *peers;
	uint32_t *heads; // index by 5-tuple
	uint32_t heads_mask;
	uint32_t free_slot;
	uint32_t free_peer;
	uint32_t live; // slots
	uint32_t dropping; // slots
	uint32_t live_peers;
	uint32_t reserved_peers; // what slots, free ones too, have less than is owed to them
	struct table_relay relays[TP_RELAYS_MAX];
	uint32_t relays_count;
	struct quota by_user;
	struct quota by_address;
};

struct table_config {
	uint32_t allocations; // slots
	uint32_t allocations_per_user; // 0: no limit
	uint32_t allocations_per_address; // 0: no limit
	uint16_t port_min, port_max;
	const struct tp_relay_address *relays;
	uint32_t relays_count;
};

// Rebuilds everything from an open vault, whose mapping is the table's from now on, even on failure.
// Records that fail their checks, or that this configuration has no port for, are freed; *bad counts
// them. Returns 0 or a negative errno.
int table_create(
	struct table **out, struct vault *vault, const struct table_config *config, uint64_t *bad);
void table_destroy(struct table *table);

// The allocation of a 5-tuple, TABLE_NONE: none.
uint32_t table_find(const struct table *t, const struct tp_endpoint *client,
	const struct tp_endpoint *server, uint8_t transport);

// Puts a live slot into the index, and its port among those of live allocations.
void table_enter(struct table *t, uint32_t slot);

// A time as the coarse copies have it: none is over before its record is.
static inline uint32_t table_seconds(uint64_t ms)
{
	return (uint32_t)((ms + 999) / 1000);
}

// Makes a live allocation out of `record` (its state, serial and relay are filled in here): takes slot,
// port of relay address `relay`, quotas. Returns 0; -ENOSPC: no port; -EDQUOT: no slot, or as many as
// this user or client address may have.
int table_add(struct table *t, const struct tp_vault_allocation *record, uint8_t relay,
	uint32_t random, bool even, uint32_t *slot);
// Gives a live allocation another port, of this relay address; the former one stays taken, until it is
// given back by table_release_port(). Returns 0 or -ENOSPC.
int table_change_port(struct table *t, uint32_t slot, uint8_t relay, uint32_t random, bool even);
void table_release_port(struct table *t, uint8_t relay, uint16_t port);
// Takes a live allocation from its client, with its peers and quotas: its slot is dropping from now on.
void table_drop(struct table *t, uint32_t slot);
// The dataplane has let go: slot and port are free.
void table_dropped(struct table *t, uint32_t slot);
void table_set_expiry(struct table *t, uint32_t slot, uint64_t expires_ms);

// A peer of an allocation: a permission (channel 0; the port does not count) or a channel by its number
// (peer NULL) or by its peer (number 0, `channels` true). TABLE_NONE: none that lives at `now`.
uint32_t table_find_permission(
	const struct table *t, uint32_t slot, const struct tp_ip *ip, uint64_t now);
uint32_t table_find_channel(const struct table *t, uint32_t slot, uint16_t number, uint64_t now);
uint32_t table_find_channel_to(
	const struct table *t, uint32_t slot, const struct tp_endpoint *peer, uint64_t now);
// Returns 0; -ENOSPC: the allocation has TABLE_PEERS_MAX, or it has what is owed to it and all that is left
// is owed to others, made or yet to be made.
int table_add_peer(struct table *t, uint32_t slot, const struct tp_endpoint *peer, uint16_t channel,
	uint64_t expires_ms, uint32_t *index);
void table_remove_peer(struct table *t, uint32_t index);
void table_set_peer_expiry(struct table *t, uint32_t index, uint64_t expires_ms);

// Whether a live allocation has this relayed transport address (local or public form).
bool table_is_relayed(const struct table *t, const struct tp_ip *ip, uint16_t port);
// Whether it is one of the relay addresses, in either form.
bool table_is_relay(const struct table *t, const struct tp_ip *ip);

static inline struct tp_vault_allocation *table_record(const struct table *t, uint32_t slot)
{
	return &t->vault.allocations[slot];
}

static inline struct tp_vault_peer *table_peer(const struct table *t, uint32_t index)
{
	return &t->vault.peers[index];
}

// Checks that slots, records, lists, index, ports and quotas agree. Returns 0, or -EINVAL and the
// first contradiction in `why`. For tests; takes time in proportion to the table.
int table_check(const struct table *t, char *why, size_t size);
