// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the server's files share: its state, and a request on its way through them.
#pragma once

#include "../auth/ticket.h"
#include "server.h"

struct stun_writer;

// Everything that an answer needs, now or when an outcome has come.
struct responder {
	struct tp_send head;
	uint32_t worker;
	uint16_t method;
	uint8_t tid[TP_STUN_TID];
	bool fingerprint; // the request had one, so has the answer
	bool sha256; // signed by MESSAGE-INTEGRITY-SHA256, not by MESSAGE-INTEGRITY
	struct stun_hmac *key; // NULL: not authenticated
};

// The kind of a transaction, in the top bits of its id.
enum transaction_kind {
	TX_NONE = 0,
	TX_ALLOCATE = 1, // with a struct pending
	TX_REFRESH = 2,
	TX_PERMISSION = 3,
	TX_CHANNEL = 4,
	TX_DROP = 5, // of a slot: index is the slot
	TX_REPLAY = 6, // of a slot
	TX_PEER = 7, // drops or puts back a peer, or tells of a share: nobody waits
	TX_SWEEP = 8,
	TX_MOVE = 9, // several transactions under one id
};

#define PORT_ATTEMPTS 32u // ports tried before an Allocate gets 508

// What an Allocate has tried.
struct pending_ports {
	uint64_t no_relays; // a bit for each relay address that can't be had
	uint8_t kind; // enum ports_kind
	bool reserved; // it was given a reservation's port: no other will do
	uint8_t count;
	uint8_t relay[PORT_ATTEMPTS]; // and
	uint16_t port[PORT_ATTEMPTS]; // its port: kept out of the pool until this ends
};

// What a CreatePermission or ChannelBind has put.
struct pending_peers {
	uint8_t count;
	uint32_t records[STUN_PEERS_MAX + 1];
	uint64_t before[STUN_PEERS_MAX + 1]; // their former expiry; 0: made by this transaction
};

// How things were before a move, for each half, and what is known of its transactions.
struct pending_move {
	struct {
		struct table_move move;
		uint64_t expires_ms;
		uint64_t granted_ms; // by the move: it is to expire then
		uint8_t worker;
		uint8_t next_server;
	} was[2];
	uint32_t left; // without an outcome yet
	uint32_t refusal; // first status that was an error; TP_STATUS_OK
	bool detached; // the dataplane went away
	bool abandoned; // not all of them could be sent: nothing is to be announced
};

// A transaction that an outcome must be acted upon. Its key is wiped when it ends.
struct pending {
	uint64_t id; // 0: free
	struct responder to;
	uint8_t key[32];
	uint8_t key_length;
	uint8_t halves; // of the allocation: two of a dual one
	struct {
		uint32_t slot;
		uint64_t serial;
	} half[2]; // in the order of the transaction's commands, if it puts allocations
	uint32_t next_free;
	// By its kind: TX_ALLOCATE; TX_PERMISSION and TX_CHANNEL; TX_MOVE.
	union {
		struct pending_ports ports;
		struct pending_peers peers;
		struct pending_move move;
	};
};

#define TURN_NO_ALTERNATE 0xffu

// The published server addresses that differ from one in the address, the port or both; all or none of them.
struct turn_alternate {
	uint8_t ip;
	uint8_t port;
	uint8_t both;
};

struct turn_server {
	struct table *table;
	struct policy *policy;
	struct auth *auth;
	struct link *link;
	struct tp_counters *counters;
	turn_trace_fn *trace; // NULL: nobody is told
	void *trace_context;
	char software[TURN_SOFTWARE_MAX + 1];
	struct tp_endpoint *redirect;
	uint32_t redirect_count;
	char redirect_domain[TURN_DOMAIN_MAX + 1];
	uint32_t channel_max;
	struct ticket_seal *seal;
	bool mobility; // clients may move (RFC 8016)
	bool discovery; // of NAT behaviour (RFC 5780)
	struct turn_alternate alternate[TP_SERVERS_MAX]; // by published index
	uint64_t now_ms;
	uint64_t wall_s;

	struct pending *pending;
	uint32_t pending_count;
	uint32_t pending_free;
	uint64_t pending_serial;
	struct stun_hmac *late_key; // rekeyed for answers to outcomes

	bool attached;
	uint32_t workers;
	uint32_t generation;
	struct tp_capabilities capabilities;
	uint32_t replay_cursor; // next slot to put again
	bool replay_done; // sweep sent
	bool ready; // and every worker has done it

	uint32_t packets_per_second, user_packets_per_second; // as configured
	uint64_t bits_per_second, user_bits_per_second;
	bool packets_per_second_spared, bits_per_second_spared;
	struct bucket_rate new_peers; // of an allocation
	struct bucket_rate user_new_peers;
	uint64_t *
		user_full_at; // buckets of users, TURN_USER_BUCKETS; survive a user's last allocation

	uint32_t unsent; // first of the dropping slots that the dataplane was not told of
	uint32_t scan_slot, scan_peer, scan_reservation; // where the expiry scan goes on
	uint8_t random[1024];
	uint32_t random_used;
};

// A request that has passed authentication.
struct request {
	struct turn_server *s;
	const struct stun_message *m;
	const struct tp_punt *punt;
	struct tp_endpoint server; // where it arrived
	struct responder to;
	struct auth_result auth;
	uint32_t
		slot; // its 5-tuple's or ticket's allocation, or TABLE_NONE; of a dual one the first
	bool ticket; // the answer has one
};

// Handlers: answer the request, or count why not.
void turn_allocate(struct request *r);
void turn_refresh(struct request *r);
void turn_create_permission(struct request *r);
void turn_channel_bind(struct request *r);

// discovery.c
void turn_binding(struct turn_server *s, struct responder *to, struct stun_message *m);
// The dataplane has published its server addresses.
void discovery_attached(struct turn_server *s);
// Counts those of RFC 5780's attributes that are in the set `has` (enum stun_has) as unknown.
void discovery_unknown(struct stun_message *m, uint32_t has);

// mobility.c (RFC 8016): a Refresh with MOBILITY-TICKET, whose 5-tuple's allocation is in r->slot.
void turn_refresh_with_ticket(struct request *r);
// Writes an allocation's ticket.
void turn_put_ticket(struct turn_server *s, struct stun_writer *w, uint32_t slot);
// One of the transactions of a move has come to its end.
void turn_move_outcome(struct turn_server *s, struct pending *p, uint32_t status);
// A moving client has sent data from where it moves to.
void turn_arrival(struct turn_server *s, const struct tp_arrival *arrival);

// refresh.c: what a Refresh is about.
struct refresh {
	uint32_t slots[2]; // halves of the allocation
	uint32_t count; // of them
	uint32_t lifetime_s; // to grant; 0: they are to be deleted
};
// Returns 0 or an error code.
unsigned int refresh_read(const struct request *r, struct refresh *f);
void refresh_answer(struct request *r, uint32_t lifetime_s, uint8_t *bytes);
// Puts off their end, or deletes them.
void refresh_do(struct request *r, const struct refresh *f);

// server.c: what a request needs of r->slot: that it is there, is this user's, and is in force. If not, answers
// or counts, and returns false.
bool turn_allocation_ready(struct request *r);

// redirect.c: sends an Allocate that could be granted elsewhere, if so configured. Returns whether it did.
bool turn_redirect(struct request *r);

// The live allocation of a 5-tuple; what of it has expired is dropped on the way.
uint32_t turn_find(struct turn_server *s, const struct tp_endpoint *client,
	const struct tp_endpoint *server, uint8_t transport);
// Ends an allocation (of a dual one this half) for its client and tells the dataplane; `reply`: an answer
// to go with it, or NULL. Returns 0; else the answer did not leave.
int turn_drop(struct turn_server *s, uint32_t slot, const struct tp_send *reply, const void *bytes);
// Tells the dataplane of what it has not been told. Returns 0, or why not all of it.
int turn_send_drops(struct turn_server *s);
// As turn_drop(), with its twin.
int turn_drop_all(
	struct turn_server *s, uint32_t slot, const struct tp_send *reply, const void *bytes);
// Makes sure that the dataplane has a request's allocation. If not, answers or counts, and returns false.
bool turn_in_force(struct request *r);
// Checks a request's peer for ChannelBind and CreatePermission. Returns 0, 400, 403 or 443.
int turn_check_peer(const struct request *r, const struct stun_peer *peer);

// rates.c: the rate at which an allocation and its user make permissions for peers that had none, so that
// nobody scans networks through us. Users whose hashes meet share a bucket.
int rates_create(struct turn_server *s, const struct turn_config *config);
// Puts the rates of a slot into the command that puts it: its own, and its share of its user's.
void rates_fill(struct turn_server *s, uint32_t slot, struct tp_command *c);
// Whether the share that the dataplane was told is too far from what it is by now.
bool rates_stale(const struct turn_server *s, uint32_t slot);
// Takes one. Returns 0 or -EDQUOT.
int rates_meet_peer(struct turn_server *s, uint32_t slot);
// Nothing came of it: gives it back.
void rates_unmeet_peer(struct turn_server *s, uint32_t slot);

// The success response to an Allocate for this slot and its twin, into `bytes` (REPLY_MAX). Returns its
// length.
int allocate_answer(struct turn_server *s, struct responder *to, uint32_t slot, uint8_t *bytes);

// trace.c: tells of an allocation's slot, and of a permission or channel.
void trace_slot(const struct turn_server *s, enum turn_trace_kind kind, uint32_t slot);
void trace_peer(const struct turn_server *s, uint32_t index);

// allocate.c: the relayed address of a slot, as the client is told.
struct tp_endpoint turn_relayed(const struct turn_server *s, uint32_t slot);

// expiry.c: frees a peer, or all expired ones of a slot, on both sides. Returns 0, or -1 when the
// dataplane has no room for the command now: nothing is freed then.
int turn_expire_peer(struct turn_server *s, uint32_t index);
int turn_expire_peers(struct turn_server *s, uint32_t slot);
// Takes a peer back to an earlier expiry on both sides; one that is over goes. Where the dataplane has no
// room for the command now, it hears of it when our record expires.
void turn_put_peer_back(struct turn_server *s, uint32_t index, uint64_t expires_ms);

uint32_t turn_random(struct turn_server *s);

// The worker that a client's packets come to; `punter` had the last one.
static inline uint8_t turn_worker_of(
	const struct turn_server *s, struct tp_endpoint client, uint32_t punter)
{
	return (uint8_t)s->link->ops->worker(s->link, &client, punter);
}

static inline void turn_count(struct turn_server *s, enum tp_control_counter c)
{
	tp_count(s->counters, c, 1);
}

// replay.c: puts allocations again after an attach.
void replay_start(struct turn_server *s);
void replay_step(struct turn_server *s);
// Makes sure that the dataplane has this allocation. Returns 0 or what submit returned.
int replay_slot(struct turn_server *s, uint32_t slot);

// outcome.c
struct pending *pending_take(struct turn_server *s, enum transaction_kind kind);
void pending_fill(struct pending *p, const struct request *r);
void pending_add_half(struct turn_server *s, struct pending *p, uint32_t slot);
// Ready to sign an answer after all. False: it can't be.
bool pending_answers(struct turn_server *s, struct pending *p);
// Whether the allocation that this was about is there still.
bool pending_still_there(const struct turn_server *s, const struct pending *p, uint32_t half);
void pending_end(struct turn_server *s, struct pending *p);
void turn_outcome(struct turn_server *s, uint64_t id, uint32_t status, uint32_t failed);

// An id for what has no struct pending.
static inline uint64_t turn_id(enum transaction_kind kind, uint64_t serial, uint32_t index)
{
	return (uint64_t)kind << 60 | (serial & 0xfffffffull) << 32 | index;
}

// command.c: fills commands from the table's records.
struct tp_command command_allocation(struct turn_server *s, uint32_t slot);
// Where the slot's client moves to, if it moves; else that it does not.
struct tp_command command_move(const struct turn_server *s, uint32_t slot);
struct tp_command command_peer(const struct turn_server *s, uint32_t index);
struct tp_command command_drop_peer(const struct turn_server *s, uint32_t index);
int turn_submit(struct turn_server *s, uint64_t id, uint32_t worker, struct tp_command *commands,
	uint32_t n, const struct tp_send *reply, const void *bytes);
