// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What a worker of turnpike-dpdk needs around it, in this process: EAL, a port made of two rings, and for
// each scene a worker of its own with tables and next hops. All real but the kernel (kernel_answers.c).
#pragma once

#include <plane.h>

#include "population.h"

struct world {
	struct plane plane;
	struct rte_ring *in; // what the port receives
	struct rte_ring *out; // what it has sent
};

// Allocations of one family in a worker.
struct scene {
	enum tp_family family;
	uint32_t allocations;
	struct shared shared;
	struct segment segment;
	struct worker *worker;
};

// The next hop's, whatever the destination.
extern const uint8_t gateway_mac[6];

// Each returns, or ends the program after a sentence. `frames`: that are under way at once.
void world_make(struct world *w, uint32_t frames);
void scene_make(
	struct scene *s, const struct world *w, enum tp_family family, uint32_t allocations);
void scene_free(struct scene *s);

// Says what is wrong, and ends the program.
_Noreturn void fail(const char *what);
