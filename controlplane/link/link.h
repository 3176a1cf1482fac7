// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The link to a dataplane, as the TURN server sees it: transactions go down, outcomes and punts come up.
// Which workers get a command, when a reply may leave, and how they are reached is the link's business.
#pragma once

#include <stdint.h>

#include <turnpike/segment.h>

#define LINK_EVERY_WORKER UINT32_MAX // as a transaction's worker: all of them
#define LINK_COMMANDS_MAX 20u // commands of one transaction, at most

// Commands that belong together and the reply that announces them. The reply leaves only when every
// command is in force; if one fails it is withheld, and the outcome says which status it was.
struct link_transaction {
	uint64_t id; // of the server's choosing, not 0; returned with the outcome
	uint32_t worker; // that punted the allocation's requests
	uint32_t count; // of commands; 0: only a reply, and no outcome
	struct tp_command *commands; // the link fills in sequence and transaction
	const struct tp_send *reply; // NULL: none; `transaction` is filled in by the link
	const void *bytes; // reply->length bytes
};

struct link;

struct link_ops {
	// Queues a transaction, whole or not at all. Returns 0; -EAGAIN: no room now; -ENOTCONN: no
	// dataplane. The outcome comes later through link_events.outcome, exactly once, in any order;
	// when the dataplane goes away the outcome of what is under way is TP_STATUS_COUNT.
	int (*submit)(struct link *link, const struct link_transaction *t);
	// The worker for a client that `punter` spoke for, perhaps under an earlier dataplane.
	uint32_t (*worker)(struct link *link, const struct tp_endpoint *client, uint32_t punter);
	// Shows the workers what was queued. Call after each batch of work.
	void (*flush)(struct link *link);
};

struct link {
	const struct link_ops *ops;
};

// What comes up. `context` is the server's.
struct link_events {
	// Why this dataplane can't be used, a sentence without its end; NULL: it can. Asked before `attached`;
	// may be NULL.
	const char *(*refuse)(void *context, const struct tp_capabilities *capabilities);
	// A dataplane attached: everything is to be put again under a new generation.
	void (*attached)(
		void *context, const struct tp_capabilities *capabilities, uint32_t workers);
	void (*detached)(void *context);
	// status: enum tp_status, TP_STATUS_COUNT when the dataplane went away before it answered. `failed`:
	// which of the transaction's commands, counted from 0, had that status, if it is not TP_STATUS_OK.
	void (*outcome)(void *context, uint64_t id, uint32_t status, uint32_t failed);
	// punt->length bytes follow in `bytes`; fields have been checked against the capabilities.
	void (*punt)(
		void *context, uint32_t worker, const struct tp_punt *punt, const uint8_t *bytes);
	// The client of a moving allocation has sent data from where it moves to; fields have been checked
	// against the capabilities. May be NULL.
	void (*arrival)(void *context, const struct tp_arrival *arrival);
	// There is room again after a submit returned -EAGAIN.
	void (*room)(void *context);
	void *context;
};
