// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A pair of virtual Ethernet devices in a network namespace of the bench's own: frames start at one end, and the
// program under test at the other end sends them back.
#pragma once

#include <state.h>

#include "relay.skel.h"
#include "xdp_load.h"
#include "xdp_load.skel.h"

#define RUN_PACKETS 1000000u // by default; a call costs about 25 ms besides

struct world {
	struct xdp_load_bpf *load;
	struct relay_bpf *relay;
	uint32_t near; // source and sink
	uint32_t far; // the program under test
	uint32_t allocations;
	uint32_t packets; // in a run
};

void world_make(struct world *w);
// A relay with so many allocations, one channel each.
void world_populate(struct world *w, uint32_t allocations);
void world_clear(struct world *w);

enum subject {
	BARE,
	RELAY,
};
// Runs `packets` frames of `size` bytes through the subject. Nanoseconds for a packet, all in all; of the
// subject alone, as the kernel's statistics have it, if they are enabled.
double world_run(struct world *w, enum subject subject, bool from_peer, uint32_t size);
double world_program_ns(struct world *w, enum subject subject, bool from_peer, uint32_t size);
