// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A worker: a thread with its own sockets, tables and rings, which shares nothing with another but
// the map of relay ports (owners.h). It is the only one to touch its struct, but for what is
// marked.
#pragma once

#include <pthread.h>

#include <agent.h>

#include "owners.h"
#include "raw.h"
#include "receive.h"
#include "relay_socket.h"
#include "transmit.h"

struct mirror;

struct listener {
	int fd;
	uint32_t overflow; // datagrams dropped by the kernel, as last told
	struct usual usual;
};

struct worker {
	struct agent agent; // its end of the link, and where it counts
	struct owners *owners;
	struct mirror *mirror; // of what the XDP program knows; NULL: there is none
	struct relay_sockets sockets;
	struct listener listener[TP_SERVERS_MAX];
	bool nat; // some relay address has another public form
	int epoll;
	int bell; // of the control plane that is attached; -1: none
	bool deaf; // there was no room to wait for it
	pthread_t thread; // main's

	struct receive receive;
	struct transmit transmit;
	struct raw_sender raw;
	struct relay_from_client from_client[RELAY_BURST];
	struct relay_from_peer from_peer[RELAY_BURST];
	struct relay_decision decision[RELAY_BURST];
	struct relay_decision hairpin[RELAY_BURST]; // decisions of the second half of a hairpin
	struct packet_header header[RELAY_BURST]; // of what waits for a decision
	unsigned int slots; // receive slots in use by datagrams of peers
	unsigned int gathered; // of w->from_peer, waiting for worker_peers_finish()
};

// What a worker is made from. Everything stays the caller's.
struct worker_setup {
	uint32_t index;
	const struct segment *segment;
	struct owners *owners;
	struct mirror *mirror; // NULL: none
	const struct raw *raw;
	const int *listener; // a bound socket for each server address; the worker's from now on
};

// Takes all the memory that the worker will need. Returns 0 or a negative errno.
// worker_free() is for one whose thread does not run.
int worker_init(struct worker *w, const struct worker_setup *setup);
void worker_free(struct worker *w);

// Starts the thread, on a CPU of its own where `pin` says so. Returns 0 or a negative errno.
int worker_start(struct worker *w, bool pin);

// One round: commands, then datagrams. `timeout_ms` as for epoll_wait(). Returns how much there was
// to do.
unsigned int worker_round(struct worker *w, int timeout_ms);

// A datagram burst of the listening socket `server` (burst_client.c).
unsigned int worker_clients(struct worker *w, uint8_t server);

// Datagrams of relay sockets, gathered over sockets: worker_peers() receives, worker_peers_finish()
// decides and sends what is gathered (burst_peer.c). `error`: the socket reports one.
unsigned int worker_peers(struct worker *w, uint32_t socket, bool error);
void worker_peers_finish(struct worker *w);

// Decides for w->from_peer[0, n) with w->header and queues what goes to clients (burst_peer.c).
void worker_decide_peers(struct worker *w, struct relay_decision *decision, unsigned int n);
