// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The tables of one worker, all in one mapping.
//
//   client side:  client_index -> client line     key: client, server, transport, channel
//                 a client that moves (RFC 8016) has one more, under where it moves to: arriving_line()
//   peer side:    port line, by relay address and port, without a search; holds the peer heard last
//                 peer_index -> peer              key: allocation, peer address, port
//
// A client line or a port line has all that a packet needs. Their `until` is a promise in clock ticks:
// before it, what the line says holds, and nothing else is looked at. It is the earliest expiry of
// what it depends on, and every command that could shorten that cuts it. Once it is over, the records
// that count (struct allocation, struct peer) are asked, and it is extended when they are still in
// force: so a refresh costs one record however many lines depend on it.
#pragma once

#include "clock.h"
#include "hash.h"
#include "index.h"
#include "lease.h"
#include "memory.h"
#include "relay.h"

// The way of every packet, and what it seldom takes: the compiler is told, not asked.
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))

#define RELAY_NONE UINT32_MAX
#define RELAY_ARRIVALS 64u // kept until they are told; what finds no room is seen again
#define NOT_OURS 0xffu // as `target`: a peer that is none of our relay addresses

// Client to peer. The line of a channel, or, under its relay's family as a channel number, that of an
// allocation, which Send indications use. Line `slot` is the allocation's, the one of channel `peer`
// is line `allocations + peer`, and behind those of the channels is, for each allocation, the line of
// where its client moves to: it leads to `allocation` and nothing else. Its `until`, the tick in
// which an arrival was told last, is always over.
struct client_line {
	_Alignas(64) struct tp_ip client;
	struct tp_ip peer; // channel's; an allocation's line has none
	uint64_t key; // client_key(); above it, 8 bits of relay and 8 of target
	uint16_t peer_port;
	uint16_t relay_port;
	uint32_t until;
	uint32_t allocation;
	uint32_t destination; // of the channel's peer
	uint64_t lease; // lease.h
};
_Static_assert(sizeof(struct client_line) == 64, "one line, for both families");

#define CLIENT_KEY_BITS 48

// `channel`: a channel number, or an enum tp_family for the allocation itself: a client may have one
// allocation of each family (RFC 8656 section 5, dual allocation).
static inline uint64_t client_key(
	uint16_t port, uint16_t channel, uint8_t server, uint8_t transport)
{
	return port | (uint64_t)channel << 16 | (uint64_t)(uint16_t)(server | transport << 8) << 32;
}

static inline bool client_line_is(const struct client_line *l, const struct tp_ip *ip, uint64_t key)
{
	return ((l->client.q[0] ^ ip->q[0]) | (l->client.q[1] ^ ip->q[1]) |
		       (l->key ^ key) << (64 - CLIENT_KEY_BITS)) == 0;
}

static inline uint8_t client_line_relay(const struct client_line *l)
{
	return (uint8_t)(l->key >> CLIENT_KEY_BITS);
}

static inline uint8_t client_line_target(const struct client_line *l)
{
	return (uint8_t)(l->key >> (CLIENT_KEY_BITS + 8));
}

// Peer to client. All zero: no allocation.
struct port_line {
	_Alignas(64) struct tp_ip client;
	struct tp_ip peer; // heard last: `until` says whether and how long it may send
	uint16_t client_port;
	uint16_t peer_port;
	uint16_t channel; // the one bound to peer; 0: none
	uint8_t server;
	uint8_t transport;
	uint32_t allocation; // slot + 1; 0: none
	uint32_t expires; // the allocation
	uint32_t until; // 0: nothing known about a peer
	uint32_t destination; // of the client
	uint64_t lease; // lease.h
};
_Static_assert(sizeof(struct port_line) == 64, "one line, for both families");

// A permission (port and channel 0) or a channel.
struct peer {
	_Alignas(32) struct tp_ip ip;
	uint32_t allocation;
	uint16_t port;
	uint16_t channel;
	uint32_t expires;
	uint32_t target : 8; // our relay address that `ip` is; NOT_OURS
	uint32_t destination : 24; // taken; of one of our own addresses: 0
};
_Static_assert(sizeof(struct peer) == 32, "two to a line");

// What only commands need of a peer.
struct peer_link {
	uint32_t allocation; // RELAY_NONE: free
	uint32_t generation;
	uint32_t next; // of the same allocation, or free
	uint32_t previous;
};

// What only commands need of an allocation, and what it relayed: in `past` is also what its lines have
// leased and not used yet.
struct allocation {
	_Alignas(64) uint32_t generation;
	uint32_t expires;
	uint32_t peers; // first of its list
	uint16_t relay_port; // 0: no allocation
	uint8_t relay;
	uint8_t zero[1];
	struct relay_traffic past;
};
_Static_assert(sizeof(struct allocation) == 64, "one line");

struct relay {
	struct client_line *clients; // allocations + peers + allocations
	struct port_line *ports; // relays * ports_each
	struct peer *peers;
	struct allocation *allocations;
	struct peer_link *links;
	struct lease_slot *leases; // of allocations
	struct lease_user *users;
	uint64_t now_ms; // as the last call told it
	struct index client_index;
	struct index peer_index;
	struct hash_key key;
	struct hash_key tid_key; // transaction IDs of indications
	uint64_t tid_state;
	uint32_t ports_each;
	uint32_t port_min;
	uint32_t relays;
	uint32_t channel_max;
	uint32_t free_peers; // given back; RELAY_NONE: none
	uint32_t fresh_peers; // the first one never used
	uint32_t moving; // allocations whose client moves
	uint32_t arrivals; // in `arrival`, not told yet
	struct tp_arrival arrival[RELAY_ARRIVALS];
	struct relay_usage usage;
	relay_dropped_fn *dropped;
	void *dropped_context;
	relay_take_fn *take;
	relay_give_back_fn *give_back;
	void *destinations_context;
	struct memory memory;
	struct tp_capabilities capabilities;
};

static inline uint32_t relay_channel_line(const struct relay *r, uint32_t peer)
{
	return r->capabilities.allocations + peer;
}

static inline uint32_t arriving_line(const struct relay *r, uint32_t slot)
{
	return r->capabilities.allocations + r->capabilities.peers + slot;
}

static inline bool is_arriving_line(const struct relay *r, uint32_t line)
{
	return line >= arriving_line(r, 0);
}

// NULL: not one of our relay ports.
static inline struct port_line *relay_port_line(const struct relay *r, uint8_t relay, uint16_t port)
{
	uint32_t offset = port - r->port_min;

	if (relay >= r->relays || offset >= r->ports_each)
		return NULL;
	return &r->ports[relay * r->ports_each + offset];
}

static inline struct port_line *allocation_port_line(const struct relay *r, uint32_t slot)
{
	const struct allocation *a = &r->allocations[slot];

	return relay_port_line(r, a->relay, a->relay_port);
}

static inline uint64_t peer_hash(
	const struct relay *r, uint32_t allocation, const struct tp_ip *ip, uint16_t port)
{
	return hash_address(&r->key, ip, allocation | (uint64_t)port << 32);
}

static inline bool peer_is(
	const struct peer *p, uint32_t allocation, const struct tp_ip *ip, uint16_t port)
{
	return tp_ip_equal(&p->ip, ip) && p->allocation == allocation && p->port == port;
}

// tables.c. Takes a lease and uses it for a packet of `length` bytes, or returns false (lease.h).
bool client_line_lease(struct relay *r, struct client_line *l, uint32_t length);
bool port_line_lease(struct relay *r, struct port_line *l, uint32_t length);
// Gives back what a line has leased.
void client_line_end(struct relay *r, struct client_line *l);
void port_line_end(struct relay *r, struct port_line *l);

// Counts a packet; false: it is over a rate.
static ALWAYS_INLINE bool client_line_count(struct relay *r, struct client_line *l, uint32_t length)
{
	return __builtin_expect(lease_use(&l->lease, length), 1) || client_line_lease(r, l, length);
}

static ALWAYS_INLINE bool port_line_count(struct relay *r, struct port_line *l, uint32_t length)
{
	return __builtin_expect(lease_use(&l->lease, length), 1) || port_line_lease(r, l, length);
}

// destinations.c. Takes one for an address; 0 where the owner keeps none. False: it has no more.
bool destination_take(const struct relay *r, const struct tp_ip *ip, uint32_t *out);
void destination_give_back(const struct relay *r, uint32_t destination);

// tables.c. The index of a client line or a peer, or RELAY_NONE: both buckets searched.
uint32_t relay_find_client(
	const struct relay *r, const struct tp_ip *ip, uint64_t key, uint64_t hash);
uint32_t relay_find_peer(
	const struct relay *r, uint32_t allocation, const struct tp_ip *ip, uint16_t port);

// moves.c: clients that move. Ends an allocation's move; whether there was one.
bool move_drop(struct relay *r, uint32_t slot);
// Its client is where it moved to, and nowhere else. Any status but TP_STATUS_OK leaves it as it was.
enum tp_status move_settle(struct relay *r, uint32_t slot);
// Data has come by this arriving line: notes it for relay_arrival().
void move_note(struct relay *r, struct client_line *l, uint32_t tick);
// The line of the channel that ChannelData from where a client moves to is for, or NULL. `key` is the one
// that was not found; notes the arrival.
struct client_line *move_channel(
	struct relay *r, const struct tp_ip *ip, uint64_t key, uint32_t tick);
enum tp_status move_put(struct relay *r, const struct tp_command *c);

// peers.c. The record of a client's channel, whichever of its allocations has it, or RELAY_NONE.
uint32_t relay_find_channel(const struct relay *r, uint32_t slot, uint16_t channel);

// allocations.c, peers.c: the commands, with the fields that are theirs not checked yet.
enum tp_status allocation_put(struct relay *r, const struct tp_command *c);
void allocation_drop(struct relay *r, uint32_t slot);
enum tp_status permission_put(struct relay *r, const struct tp_command *c);
enum tp_status channel_put(struct relay *r, const struct tp_command *c, uint64_t now);
void permission_drop(struct relay *r, uint32_t slot, const struct tp_ip *ip);
void channel_drop(struct relay *r, uint32_t slot, uint16_t channel);
void peer_drop(struct relay *r, uint32_t peer);
