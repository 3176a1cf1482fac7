// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The allocations: records in the vault, and beside them in private memory all that can be rebuilt from
// the records: free slots, the index by 5-tuple, each allocation's list of peers, ports, quotas.
//
// A slot is free, live, or dropping: gone for its client, but its slot and relay port stay taken until
// the dataplane has let go of them, so that nobody else is given a port that is still bound.
//
// A dual allocation (RFC 8656 section 7.2, ADDITIONAL-ADDRESS-FAMILY) is two slots with one 5-tuple, each
// the other's twin, with a relayed address of each family; each counts in the quotas.
#pragma once

#include "../auth/bucket.h"
#include "holders.h"
#include "ports.h"
#include "quota.h"
#include "reservations.h"
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
#define SLOT_DROP_UNSENT \
	0u // as in_force of a dropping one: turn_send_drops() has to tell the dataplane

// What is known of a slot beside its record. 48 bytes.
struct slot {
	uint64_t new_peers_full_at; // bucket of the rate of new peers
	uint32_t peers; // first peer, TABLE_NONE
	uint32_t next; // in its index chain, in the free list, or among the drops to be sent
	uint32_t next_moving; // of a moving one: in the index chain of where it moves to
	uint32_t in_force; // generation under which it was told to the dataplane, or as above
	uint32_t twin; // of a live slot: the dual allocation's other one, TABLE_NONE
	uint32_t reservation; // that it made and nobody has used yet, RESERVATION_NONE
	uint32_t holder; // of a live slot: its user's entry
	uint32_t
		share_of; // its user's allocations when the dataplane was last told its share of their rate
	uint16_t peers_count;
	uint16_t channels_count; // of its peers
	uint8_t state : 2; // enum slot_state
	uint8_t pending : 1; // its Allocate is not answered yet
	uint8_t move_pending : 1; // its move is not answered yet
	uint8_t relay; // index of its relay address here
	uint8_t server; // index of the server address as the dataplane published it
	uint8_t next_server; // likewise, of a moving one: where it moves to
};
_Static_assert(sizeof(struct slot) == 48, "no hidden padding");
_Static_assert(TP_SERVERS_MAX < 256, "an index, or none");

// What is known of a peer record beside it. 8 bytes.
struct peer_slot {
	uint32_t next; // of the same allocation, or in the free list
	uint16_t expiry; // peer_expiry(); 0: free
	uint16_t
		put_by; // pending transaction that put it last; PEER_PUT_BY_NONE: none that may be left
};
_Static_assert(sizeof(struct peer_slot) == 8, "no hidden padding");

#define PEER_PUT_BY_NONE UINT16_MAX
#define PEER_AHEAD_MAX_S 1024u // no permission or channel is granted for longer

// What an allocation and a user may have at once. 0: no limit but the memory's.
struct table_limits {
	uint32_t allocations_per_user;
	uint32_t permissions; // of an allocation
	uint32_t channels;
	uint32_t permissions_per_user;
	uint32_t channels_per_user;
};

struct table_relay {
	struct tp_ip local;
	struct tp_ip public_;
	struct ports ports;
	uint8_t *live; // a bit for each port of the range: a live allocation's
	uint8_t published; // index as the dataplane published it, 0xff: it hasn't
	uint8_t place; // in the vault's header
};

struct table {
	struct vault vault;
	struct slot *slots;
	struct peer_slot *peers;
	uint32_t *heads; // index by 5-tuple: as many chains as slots
	uint32_t free_slot;
	uint32_t free_peer;
	uint32_t live; // slots
	uint32_t dropping; // slots
	uint32_t live_peers;
	uint32_t reserved_peers; // what slots, free ones too, have less than is owed to them
	struct table_relay relays[TP_RELAYS_MAX];
	uint32_t relays_count;
	uint8_t relay_at
		[TP_RELAYS_MAX]; // by place in the vault's header; 0xff: none that is configured
	uint32_t
		server_records[TP_VAULT_SERVERS]; // that name a place, twice where they do so twice
	struct reservations reservations;
	struct holders holders;
	struct quota by_address;
	struct table_limits limits;
};

struct table_config {
	uint32_t allocations; // slots
	uint32_t allocations_per_address; // 0: no limit
	struct table_limits limits;
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

// The allocation of a 5-tuple, TABLE_NONE: none. Of a dual one the slot with the IPv4 address.
uint32_t table_find(const struct table *t, const struct tp_endpoint *client,
	const struct tp_endpoint *server, uint8_t transport);

// The relayed address's family, and which of an allocation's one or two slots has this one, or TABLE_NONE.
enum tp_family table_family(const struct table *t, uint32_t slot);
uint32_t table_of_family(const struct table *t, uint32_t slot, enum tp_family family);

// addresses.c: the index of a relay address by its local form, and of the one that a record names; relays_count:
// there is none.
uint32_t table_find_relay(const struct table *t, const struct tp_ip *local);
uint32_t table_relay_at(const struct table *t, uint8_t place);
// A place for a server address, for a record that is written next. Returns it, or -ENOSPC.
int table_keep_server(struct table *t, const struct tp_endpoint *server);
// For recover.c: finds the places of those relay addresses that have one; gives the others one, once no record
// names a relay address that is not configured any more.
void table_find_relays(struct table *t);
void table_place_relays(struct table *t);

// Puts a live slot into the index, beside its twin if there is one, and its port among those of live
// allocations.
void table_enter(struct table *t, uint32_t slot);

// When a peer is over, as its slot has it: seconds, rounded up, of which so many bits are enough to say that a
// record need not be looked at.
static inline uint16_t peer_expiry(uint64_t ms)
{
	const uint16_t s = (uint16_t)((ms + 999) / 1000);

	return s ? s : 1;
}

// Whether the record may be over: it surely is not within PEER_AHEAD_MAX_S before its end.
static inline bool peer_due(uint16_t expiry, uint64_t now_ms)
{
	return expiry && (uint16_t)(expiry - (uint16_t)(now_ms / 1000) - 1) >= PEER_AHEAD_MAX_S;
}

// Makes a live allocation out of `record` (its serial and relay are filled in here): takes slot,
// port of relay address `relay`, quotas. `kind` is no PORTS_PAIR. Returns 0; -ENOSPC: no port; -EDQUOT: no
// slot, or as many as this user or client address may have.
int table_add(struct table *t, const struct tp_vault_allocation *record, uint8_t relay,
	uint32_t random, enum ports_kind kind, uint32_t *slot);
// What they have in common: writes the record into the free slot and enters it. Port and quotas are taken.
uint32_t table_place(struct table *t, const struct tp_vault_allocation *record, uint8_t relay,
	uint16_t port, uint64_t serial);
// Takes one from the quotas of user and client address. Returns 0, -EDQUOT or -ENOSPC.
int table_take_quotas(struct table *t, const uint8_t user_hash[16], const struct tp_ip *party);
void table_release_quotas(struct table *t, const uint8_t user_hash[16], const struct tp_ip *party);
// The same over the limits: for what was granted before.
void table_restore_quotas(struct table *t, const uint8_t user_hash[16], const struct tp_ip *party);
// Gives a live allocation another port, of this relay address; the former one stays taken, until it is
// given back by table_release_port(). Returns 0 or -ENOSPC.
int table_change_port(
	struct table *t, uint32_t slot, uint8_t relay, uint32_t random, enum ports_kind kind);
// The same with a port that has been taken for it.
void table_move(struct table *t, uint32_t slot, uint8_t relay, uint16_t port);
void table_release_port(struct table *t, uint8_t relay, uint16_t port);
// Takes a live allocation from its client, with its peers and quotas: its slot is dropping from now on.
void table_drop(struct table *t, uint32_t slot);
// The dataplane has let go: slot and port are free.
void table_dropped(struct table *t, uint32_t slot);
void table_set_expiry(struct table *t, uint32_t slot, uint64_t expires_ms);

// reserve.c: as table_add(), with an even port; the next one is kept for who shows `token` until
// `until_ms`, and counts in the quotas as an allocation does. -ENOSPC: also no room for a reservation.
int table_add_pair(struct table *t, const struct tp_vault_allocation *record, uint8_t relay,
	uint32_t random, uint64_t token, uint64_t until_ms, uint32_t *slot);
// As table_add(), with the reservation's port; the reservation is over then.
int table_add_reserved(struct table *t, const struct tp_vault_allocation *record,
	uint32_t reservation, uint32_t *slot);
// As table_change_port(), for a slot whose reservation has not been told to anybody: that gets another port too.
int table_change_pair(struct table *t, uint32_t slot, uint8_t relay, uint32_t random);
// Ends a reservation: its port is free.
void table_unreserve(struct table *t, uint32_t reservation);
// Takes back a table_add_reserved() whose slot has been dropped since: `former` is the reservation as it was.
void table_reserve_again(struct table *t, const struct tp_vault_reservation *former);
// After a restart: takes a live record in, unless an allocation has its port by now. False: it is damaged.
bool table_restore_reservation(struct table *t, uint32_t reservation);

// A peer of an allocation: a permission (channel 0; the port does not count) or a channel by its number
// (peer NULL) or by its peer (number 0, `channels` true). TABLE_NONE: none that lives at `now`.
uint32_t table_find_permission(
	const struct table *t, uint32_t slot, const struct tp_ip *ip, uint64_t now);
uint32_t table_find_channel(const struct table *t, uint32_t slot, uint16_t number, uint64_t now);
uint32_t table_find_channel_to(
	const struct table *t, uint32_t slot, const struct tp_endpoint *peer, uint64_t now);
// Returns 0; -EDQUOT: the allocation or its user has as many permissions or channels as it may; -ENOSPC: the
// allocation has TABLE_PEERS_MAX, or it has what is owed to it and all that is left is owed to others, made
// or yet to be made.
int table_add_peer(struct table *t, uint32_t slot, const struct tp_endpoint *peer, uint16_t channel,
	uint64_t expires_ms, uint32_t *index);
// For recover.c: counts a peer of a slot, or counts it no more, wherever it counts.
void table_count_peer(struct table *t, uint32_t slot, bool channel, bool more);
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

static inline struct tp_vault_reservation *table_reservation(const struct table *t, uint32_t index)
{
	return &t->vault.reservations[index];
}

static inline struct tp_vault_peer *table_peer(const struct table *t, uint32_t index)
{
	return &t->vault.peers[index];
}

// moves.c: mobility (RFC 8016). While a slot's client moves, it is found by both of its 5-tuples, and counts in
// the quotas of both its addresses, if they are of two parties.
struct table_move {
	uint32_t mobility; // as in the vault
	struct tp_endpoint next;
	struct tp_endpoint next_server;
};

// Where a slot's client reached us, and where it moves to.
static inline struct tp_endpoint table_server(const struct table *t, uint32_t slot)
{
	return t->vault.header->server[table_record(t, slot)->server];
}

static inline struct tp_endpoint table_next_server(const struct table *t, uint32_t slot)
{
	return t->vault.header->server[table_record(t, slot)->next_server];
}

static inline bool table_moving(const struct table *t, uint32_t slot)
{
	return tp_mobility_moving(table_record(t, slot)->mobility) == TP_VAULT_MOVING;
}

// The number of a live allocation's last ticket; 0: its client has asked for none.
static inline uint32_t table_ticket(const struct table *t, uint32_t slot)
{
	return tp_mobility_ticket(table_record(t, slot)->mobility);
}

// How things are, to go back to.
struct table_move table_move_of(const struct table *t, uint32_t slot);
// Has the client move, also if it is moving already, and gives out the next ticket. Returns 0; or -EDQUOT or
// -ENOSPC, and nothing has changed.
int table_begin_move(struct table *t, uint32_t slot, const struct tp_endpoint *client,
	const struct tp_endpoint *server);
// Its new 5-tuple is the only one from now on.
void table_end_move(struct table *t, uint32_t slot);
// Nothing came of it: as it was `before`.
void table_undo_move(struct table *t, uint32_t slot, const struct table_move *before);
// Takes in what a restored record says of a move; one that makes no sense is forgotten.
void table_restore_move(struct table *t, uint32_t slot);

// The index: a slot's node by its client, and by the client that it moves to. Both must agree with the record.
void table_link(struct table *t, uint32_t slot, bool moving);
void table_unlink(struct table *t, uint32_t slot, bool moving);

// Checks that slots, records, lists, index, ports and quotas agree. Returns 0, or -EINVAL and the
// first contradiction in `why`. For tests; takes time in proportion to the table.
int table_check(const struct table *t, char *why, size_t size);
