// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A worker: one lcore with a queue of each port, its own tables and rings. It shares nothing that
// anybody writes. Only its own thread touches its struct, but for what is marked (agent.h).
#pragma once

#include <semaphore.h>

#include <agent.h>
#include <frame.h>
#include <read.h>

#include "adjacency.h"
#include "defrag.h"
#include "held.h"
#include "out.h"
#include "share.h"
#include "shared.h"
#include "waiting.h"

// A frame of the burst in hand.
struct packet {
	struct rte_mbuf *mbuf;
	uint32_t skip; // bytes of payload before what a hairpin's second half is about
	uint8_t passed; // workers that have handed it on
	bool in_pieces; // it was put together from fragments
	bool dont_fragment; // a hairpin's first half was a Send indication with DONT-FRAGMENT
	// A plain frame (frame/plain.h) in the one buffer that a port received it in, of the ports' pool:
	// `frame` says nothing yet, packet_parse() fills it for whom it concerns.
	bool plain;
	uint8_t port; // where the frame arrived
	struct frame frame;
};

// A budget of ICMP errors, refilled as time goes by.
struct budget {
	uint64_t refilled; // CLOCK_MONOTONIC, milliseconds
	uint32_t left;
};

struct worker {
	struct agent agent;
	const struct shared *shared;
	struct adjacencies adjacencies; // of shared->nexthops, by `out`
	uint32_t index;
	sem_t started; // by the worker, once: it has given up what it does not need
	uint16_t ip_id; // of the next IPv4 packet that may be fragmented
	uint32_t fragment_id; // of the next IPv6 packet in fragments
	struct out out[PORTS_MAX]; // of ports
	struct out kernel[PORTS_MAX]; // of their exception interfaces; what is over its share waits
	struct waiting waiting;
	struct defrag defrag;
	struct held held;
	struct budget errors;
	struct share share; // the kernel's
	uint32_t passes; // frames that may yet be passed round in this round (handoff.h)
	uint32_t rounds; // busy ones since the last look at the control plane

	// The burst in hand.
	unsigned int packets;
	unsigned int clients;
	unsigned int peers;
	struct packet packet[RELAY_BURST];
	struct relay_from_client client[RELAY_BURST];
	struct relay_from_peer peer[RELAY_BURST];
	struct packet *client_packet[RELAY_BURST]; // each of `packet`
	struct packet *peer_packet[RELAY_BURST];
	struct relay_decision decision[RELAY_BURST];

	struct rte_eth_stats
		told[PORTS_MAX]; // worker 0: what has been counted of the ports' own drops
	uint64_t told_at; // CLOCK_MONOTONIC, milliseconds
};

// For what isn't done with a plain frame in passing: from then on it is a frame like any other.
void packet_parse(struct packet *p);

// Takes all the memory that the worker will need. Returns 0 or a negative errno; worker_free() is
// due either way, when it does not run.
int worker_init(struct worker *w, uint32_t index, const struct shared *shared,
	const struct segment *segment);
void worker_free(struct worker *w);

// One round: a burst of each port, and what the exception interfaces have and may have; then everything
// out. Returns how many frames came or wait for the kernel's share.
unsigned int worker_round(struct worker *w);

// Between rounds: the clock, commands, counters. Returns how many records of the control plane
// there were.
unsigned int worker_housekeeping(struct worker *w, uint64_t now);

// A round, and the housekeeping that is due after it. Returns how many frames and records there were.
unsigned int worker_turn(struct worker *w);

// Runs until agent_stop(). For rte_eal_remote_launch(): `worker` is a struct worker.
int worker_run(void *worker);
