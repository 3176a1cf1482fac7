// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The relay in one process, without a socket or a clock: the control plane's turn/, auth/ and link/, a worker's
// agent and its relay/ tables, and between them the real rings in real segments. What can't be aborts.
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include <agent.h>

#include "../../controlplane/link/shm.h"
#include "../../controlplane/stun/writer.h"
#include "../../controlplane/turn/server.h"
#include "../must.h"
#include "turn_model.h"

#define WORLD_REALM "example.org"

struct world_user {
	const char *name, *password;
	struct stun_hmac *key;
};

#define WORLD_WORKERS 2u

struct world;

struct world_worker {
	struct world *world;
	struct agent agent;
	uint16_t held[MODEL_SLOTS]; // its allocations' relay ports; 0: none
};

struct world {
	uint64_t now_s; // since the start
	int vault_fd;
	int listener;
	struct world_user users[MODEL_USERS];

	struct auth *auth;
	struct shm_link *shm;
	struct link link; // what the server submits to: shm's, unless it is congested
	struct link_events events; // the server's
	struct turn_server *server;
	bool congested;

	struct segment segment;
	struct attachment attachment;
	uint32_t workers; // of the dataplane: what comes for a relay port may come to any of them
	struct world_worker worker[WORLD_WORKERS];
	int socket; // -1: no dataplane is attached
	struct tp_capabilities capabilities;

	// What one worker refuses: the next `refuse` commands that put something.
	unsigned int refuse, refuser;
	enum tp_status refusal;
	unsigned int refused; // so far
	bool replaying; // a dataplane that takes over what there is may refuse allocations, and nothing else

	// What left for a client since world_ask() began.
	unsigned int answers;
	struct tp_send head;
	uint8_t bytes[TP_PUNT_MAX];
};

// A world without allocations, and a vault of its own. The link outlives it, for the next.
void world_begin(struct world *w);
// While a dataplane is attached.
void world_end(struct world *w);

// Who knows a password, and so can sign.
struct stun_hmac *world_key(const char *user, const char *password);

// With so many workers.
void world_attach(struct world *w, uint32_t workers);
// The dataplane dies, and all its tables with it.
void world_detach(struct world *w);
// The control plane dies and another one takes over the vault; the dataplane stays.
void world_restart(struct world *w);
// Commands find no room, or find it again.
void world_congest(struct world *w, bool congested);
void world_pass(struct world *w, uint64_t seconds);
// Until nothing is left to be done now. Housekeeping too with `tick`.
void world_settle(struct world *w, bool tick);

// Sends a request. Returns whether it was answered, and with what; no answer but one, to its sender, signed
// as it must be. A nonce in it goes to `nonce`.
bool world_ask(struct world *w, const struct model_request *q, struct model_answer *a,
	char nonce[64], bool *renewed);

// What the dataplane makes of ChannelData, a Send indication, a peer's datagram at one of its workers.
struct relay_decision world_channel(struct world *w, unsigned int client, uint16_t number);
struct relay_decision world_send(struct world *w, unsigned int client, unsigned int peer);
struct relay_decision world_peer(
	struct world *w, uint32_t worker, unsigned int family, uint16_t port, unsigned int peer);

// Aborts unless the server's table is sound; with `empty`, unless nothing is left in it nor in the dataplane.
void world_check(struct world *w, bool empty);
