// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

#include <turnpike/attach.h>

#include "flight.h"
#include "shm.h"

#define SHM_COMMANDS_SIZE (1u << 21) // bytes of each worker's commands ring
#define SHM_FLIGHT_MAX 4096u // commands under way to a worker, if its results ring holds them
#define SHM_GROUPS 1024u // transactions under way to several workers
// One in so many of the groups, and of a worker's commands under way, is for transactions with an answer:
// a replay takes whatever it gets, and clients ask meanwhile.
#define SHM_RESERVED 8u
#define SHM_HELLO_MS 1000u // to say hello in

struct shm_worker {
	struct tp_producer commands;
	struct tp_consumer results;
	struct tp_consumer punts;
	uint64_t punts_seen; // how far the punts go that shm_link_poll() may take, and
	uint64_t results_seen; // the results that it takes before
	struct flight flight;
	int bell; // wakes it; -1: none
	uint32_t rung;
};

// A transaction that several workers must apply before its reply may leave.
struct shm_group {
	uint32_t left; // workers; 0: free
	uint32_t status;
	uint32_t failed; // the command whose status that is
	uint32_t reply_worker; // LINK_EVERY_WORKER: no reply
	uint32_t next_free;
	struct tp_send reply;
	uint8_t bytes[1024];
};

// Who holds an allocation: all that may have got a command to put it.
struct shm_slot {
	uint64_t workers; // a set: bit w is worker w; 0: nobody
	uint16_t relay_port;
	uint8_t relay;
};

struct shm_link {
	struct link link; // first: what the server holds is this
	struct link_events events;
	struct tp_counters counters;
	int listener;
	int connection; // -1: none
	int bell; // that workers ring; -1: not attached
	bool attached;
	bool wants_room;
	bool looked; // at both kinds of rings; the results seen there are not all taken yet
	bool out_of_step; // a results ring: what its worker's commands came to is unknown
	uint64_t connected_ms;
	struct tp_mapping own;
	struct tp_mapping theirs;
	struct tp_header header; // theirs, as checked: never read again from their memory
	struct tp_capabilities capabilities; // likewise
	struct shm_worker worker[TP_WORKERS_MAX];
	struct shm_group *groups;
	uint32_t groups_free; // the first of them
	uint32_t groups_left; // how many are free
	struct shm_slot *slots; // of capabilities.allocations; NULL under TP_PLACEMENT_EVERY
};

extern const struct link_ops shm_ops; // transactions: shm_submit.c

static inline struct tp_control_segment *shm_own(const struct shm_link *l)
{
	return l->own.base;
}

// Attachment: shm_attach.c. The connection is readable and no hello has come yet.
void shm_hello(struct shm_link *l);
// The dataplane has gone: everything under way gets its outcome.
void shm_detach(struct shm_link *l);
// Lets go of a connection and all that came with it.
void shm_hang_up(struct shm_link *l);
void shm_refuse(struct shm_link *l, const char *why);

// Placement: shm_place.c. The workers that a transaction with commands goes to, as a set; *bad: how many
// owners of relay ports were garbage.
uint64_t shm_place(const struct shm_link *l, const struct link_transaction *t, uint32_t *bad);
// The transaction is queued for these workers: remembers who holds what.
void shm_placed(struct shm_link *l, const struct link_transaction *t, uint64_t workers);
// At attach: checks the map of owners and takes the memory. Returns NULL, or why not.
const char *shm_place_begin(struct shm_link *l);
void shm_place_end(struct shm_link *l);

// A result of worker `w` ended this transaction for it.
void shm_ended(struct shm_link *l, const struct flight_entry *e);
