// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// One trial: packets of all streams at their pace, what comes back, and what that says.
#pragma once

#include "gaps.h"
#include "histogram.h"
#include "keeper.h"
#include "population.h"

#define FORMS 2u
#define LOAD_WINDOW_NS \
	5000000u // the best one tells what is possible while nothing else has the CPUs

// Of one direction and form, or of all.
struct load_way {
	uint64_t offered;
	uint64_t sent;
	uint64_t unsent;
	uint64_t received;
	uint64_t received_in_time; // while packets were sent
	uint64_t received_bytes; // of application data, in that time
	uint64_t duplicates;
	uint64_t reordered;
	uint64_t late;
	uint64_t corrupt;
	uint64_t misdelivered;
	uint64_t bad_checksum;
	double worst_stream_loss; // share
	uint32_t streams; // of this way that sent
	struct histogram latency; // nanoseconds
};

struct load {
	struct wire *wire;
	struct population *population;
	const struct trial *trial;
	bool reflected; // what comes is what was sent
	struct keeper *keeper; // NULL: nothing is to be kept
	uint32_t run;
	uint64_t sending_ns;
	uint64_t grace_ns;
	double best_pps; // received in the best LOAD_WINDOW_NS; 0: there was no whole one
	uint64_t broken; // of this run, but no stream can be told
	uint64_t unknown; // datagrams of nobody
	uint64_t stale; // of an earlier trial
	uint64_t stun; // messages that are no Data indications
	struct wire_counters wire_counters; // of this trial
	struct load_way way[WAYS][FORMS];
	struct gaps gaps;
};

// Runs a trial for so long at its pace. `*l` has wire, population, trial, reflected and keeper set, and is all 0
// before the first. Returns 0, or -EINVAL: no stream goes in that direction; stderr says so.
int load_run(struct load *l, double seconds);

// All ways together; `corrupt` also has what can't be told of any.
void load_total(const struct load *l, struct load_way *total);

static inline uint64_t load_way_lost(const struct load_way *w)
{
	return w->sent > w->received ? w->sent - w->received : 0;
}
