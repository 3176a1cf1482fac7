// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// One worker's end of the link: its rings, the commands that it applies, what it punts. Whatever
// moves the packets (sockets, DPDK) holds one of these for each worker and calls it between bursts.
//
// The worker's thread is the only one to touch it, but for what is marked. It is some 130 KB large:
// a part of the worker's own struct, not of a stack.
#pragma once

#include <stdatomic.h>

#include <relay.h>

#include "segment.h"
#include "tally.h"

// A control plane's segment, for as long as it is attached. Made and freed by the main thread.
struct attachment {
	struct tp_mapping control; // control.header is the copy that was checked: use no other
	const struct tp_control_segment *segment; // control.base
	int doorbell; // rings the control plane
	int bell[TP_WORKERS_MAX]; // what each worker hears; -1: none
};

// What differs between dataplanes. `context` is theirs.
struct agent_ops {
	// Applies a command in place of relay_apply(), which it calls itself. NULL: relay_apply() is
	// all there is to it.
	enum tp_status (*apply)(void *context, const struct tp_command *command);
	// A part of a TP_SWEEP that is through in the relay, for what is kept beside it: from position `from`
	// (0: the first). Returns the position to go on from, 0 when all is done. NULL: nothing is kept.
	uint32_t (*sweep)(void *context, const struct tp_command *command, uint32_t from);
	// Sends a STUN message of the control plane, `send->length` bytes; server, transport and
	// client have been checked, `via` has not. `bytes` stay as they are until flush().
	void (*send)(void *context, const struct tp_send *send, const uint8_t *bytes);
	// Everything that was given to send() leaves now. Called after each RELAY_BURST of them,
	// and at the end.
	void (*flush)(void *context);
	// From now on `bell` is to end the worker's sleep, and to be silenced then (turnpike/doorbell.h).
	// -1: no bell is, and the former one is about to be closed. NULL: it looks often enough by itself.
	void (*listen)(void *context, int bell);
	void *context;
};

struct agent {
	uint32_t index;
	const struct tp_capabilities *capabilities;
	struct tp_dataplane_segment *segment; // for the rings' data
	struct tp_worker_out *out; // this worker's lines in our segment
	struct relay *relay;
	struct agent_ops ops;
	int wake; // eventfd of our own: a change of `wanted` or `stop`
	int ready; // the main thread's eventfd: `held` has changed
	uint64_t now; // CLOCK_MONOTONIC milliseconds, set by the worker once a round
	struct tally tally;

	// The main thread stores `wanted` (NULL: let go) and writes `wake`; the worker answers in
	// `held`.
	_Atomic(struct attachment *) wanted; // main: wo, worker: ro
	_Atomic(struct attachment *) held; // main: ro, worker: wo
	atomic_bool stop; // main: wo, worker: ro

	const struct attachment *attached; // NULL: none, and what follows is not in use
	struct tp_consumer commands;
	struct tp_producer results;
	struct tp_producer punts;
	uint32_t rung; // of the control plane's doorbell
	uint64_t failed; // transaction whose command failed last; 0: none
	struct tp_command sweep; // a TP_SWEEP under way: what follows it in the ring waits
	uint32_t swept; // relay_sweep()'s position; 0: none is under way there
	uint32_t swept_beside; // ops.sweep()'s; likewise
	unsigned int records; // in use until ops.flush()
	// Copies of records, so that what is checked is what is used, and messages wait here to be
	// sent.
	_Alignas(8) uint8_t record[RELAY_BURST][sizeof(struct tp_send) + TP_PUNT_MAX];
};

// The agent of the segment's worker `index`; `relay` is for the caller to set before the first
// round. Segment, relay and ops.context stay the caller's; there is nothing to undo.
void agent_init(struct agent *a, uint32_t index, const struct segment *segment,
	const struct agent_ops *ops);

// Once a round: takes over or lets go of an attachment as the main thread wants.
void agent_follow(struct agent *a);

// Applies and sends what the commands ring holds, AGENT_ROUND records at most. Returns how many
// there were. A TP_SWEEP is done in parts, one a round, without ops.apply; until its end, which is
// when its result is there, records behind it stay in the ring, and each part counts as a record.
#define AGENT_ROUND 256u
#define AGENT_SWEEP_LOOK 4096u // entries in one part: a few microseconds
#define AGENT_SWEEP_DROP 32u // and how many of them may be dropped: some twenty more
unsigned int agent_run(struct agent *a);

// Whether agent_run() has something to do: look before sleeping, after tp_doorbell_sleep().
bool agent_ready(struct agent *a);

// Hands a STUN message from a client to the control plane, or counts why not (punt.c). `known`: the
// client has an allocation; strangers fill half of the ring at most, so that a flood of them keeps
// nobody from refreshing. `via`: how it came, given back with the answer; NULL: nothing to say.
void agent_punt(
	struct agent *a, const struct relay_from_client *in, bool known, const struct tp_via *via);

// Tells the control plane of clients that have arrived where they move to. agent_publish() does it.
void agent_tell_arrivals(struct agent *a);

// At the end of a round: shows the control plane results, punts and arrivals, rings its doorbell, and adds
// the tally to the counters.
void agent_publish(struct agent *a);

// By the main thread. agent_offer(): take `attachment`, or with NULL let go of what you have;
// agent_holds(): whether it has done so. agent_stop(): sets `stop`.
void agent_offer(struct agent *a, struct attachment *attachment);
bool agent_holds(const struct agent *a, const struct attachment *attachment);
void agent_stop(struct agent *a);
