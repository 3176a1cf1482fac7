// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Allocations, permissions and channels that last as long as the load: each is asked for again once in a period,
// evenly over it, beside the load.
#pragma once

#include "setup.h"

#define KEEPER_SLOTS 64u

struct keeper {
	struct setup *setup;
	struct setup_result result; // of all requests since the beginning
	struct wire *wire;
	uint32_t clients, count; // what is kept: clients, then flows
	uint32_t next; // in this period
	uint64_t period_ns; // of all of it
	uint64_t begin_ns; // of this one: as old is what was asked for last
	uint64_t look_ns;
};

// All has been made at `now`, for a population whose options say how often it is asked for again. Returns 0 or -ENOMEM.
int keeper_begin(struct keeper *k, struct wire *w, struct population *p, struct credentials *c,
	uint64_t now_ns);
void keeper_end(struct keeper *k);
// Asks for what is due: to be called as often as possible.
void keeper_step(struct keeper *k, uint64_t now_ns);
// Returns whether it was for the keeper.
bool keeper_take(struct keeper *k, const struct arrival *a, uint64_t now_ns);
// Does what has become due while nobody called keeper_step(), and waits for the answers, for a while.
void keeper_catch_up(struct keeper *k);
