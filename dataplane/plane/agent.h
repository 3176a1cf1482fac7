// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// One worker's end of the link: its rings, the commands that it applies, what it punts. Whatever moves the
// packets (sockets, DPDK) holds one of these for each worker and calls it between bursts.
#pragma once

#include <stdatomic.h>

#include <relay.h>

#include "tally.h"

struct attachment;

// What differs between dataplanes. `context` is theirs.
struct agent_ops {
	// TP_PUT_ALLOCATION and every other command that needs more than relay_apply(). NULL: relay_apply()
	// is all.
	enum tp_status (*apply)(void *context, const struct tp_command *command);
	// Sends a STUN message of the control plane. `bytes` stay as they are until flush().
	void (*send)(void *context, const struct tp_send *send, const uint8_t *bytes);
	// Everything that was given to send() leaves now. Called after each RELAY_BURST, and at the end.
	void (*flush)(void *context);
	void *context;
};

struct agent {
	uint32_t index;
	const struct tp_capabilities *capabilities;
	struct tp_dataplane_segment *segment;
	struct tp_worker_out *out; // this worker's lines in our segment
	struct relay *relay;
	struct agent_ops ops;
	int bell; // eventfd: commands, or a change of `wanted` or `stop`
	int ready; // the main thread's eventfd: `held` has changed
	uint64_t now; // CLOCK_MONOTONIC milliseconds, set by the worker once a round
	struct tally tally;

	// The main thread stores `wanted` (NULL: let go) and rings `bell`; the worker answers in `held`.
	_Atomic(struct attachment *) wanted; // main: wo, worker: ro
	_Atomic(struct attachment *) held; // main: ro, worker: wo
	atomic_bool stop; // main: wo, worker: ro

	const struct attachment *attached; // NULL: none, and what follows is not in use
	struct tp_consumer commands;
	struct tp_producer results;
	struct tp_producer punts;
	uint32_t rung; // of the control plane's doorbell
	uint64_t failed; // transaction whose command failed last; 0: none
	_Alignas(8) uint8_t record[RELAY_BURST][sizeof(struct tp_send) + TP_PUNT_MAX];
	uint32_t records; // in use until ops.flush()
};

// Once a round: takes over or lets go of an attachment as the main thread wants.
void agent_follow(struct agent *a);
// Applies and sends what the commands ring holds, a bounded number. Returns how many records there were.
unsigned int agent_run(struct agent *a);
// Whether the commands ring holds something: look before sleeping, after tp_doorbell_sleep().
bool agent_ready(struct agent *a);
// Hands a STUN message from a client to the control plane, or counts why not. `known`: the client has an
// allocation; strangers fill half of the ring at most. `via`: how it came, NULL: nothing to say.
void agent_punt(
	struct agent *a, const struct relay_from_client *in, bool known, const struct tp_via *via);
// At the end of a round: shows the control plane results and punts, rings its doorbell, and adds the tally
// to the counters.
void agent_publish(struct agent *a);
