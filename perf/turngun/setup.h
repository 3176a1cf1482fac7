// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// All clients' requests, so many at a time, each sent again until it is answered (RFC 8489 section 6.2.1).
#pragma once

#include "client.h"
#include "histogram.h"

#define SETUP_ERRORS_MAX 16u

struct setup_error {
	uint32_t code; // of an ERROR-CODE
	uint32_t count;
};

struct setup_result {
	uint32_t asked; // clients or flows
	uint32_t made;
	uint32_t timeouts;
	uint32_t bad; // answers that are not what the RFC says, or not authentic
	struct setup_error error[SETUP_ERRORS_MAX];
	uint64_t transactions;
	uint64_t retransmissions;
	uint64_t took_ns;
	struct histogram latency; // of a transaction: nanoseconds from its first request
};

struct setup;
// For up to `slots` transactions at a time, in which everything but the wire's releasing is its caller's. NULL: no
// memory.
struct setup *setup_new(struct setup_result *r, struct wire *w, struct population *p,
	struct credentials *c, uint32_t slots);
void setup_free(struct setup *s);
bool setup_full(const struct setup *s);
bool setup_idle(const struct setup *s);
// Asks for the n-th client, or flow; there is a free slot. Returns 0, also where there is nothing to ask for, or a
// negative errno of the wire.
int setup_ask(struct setup *s, enum task task, uint32_t n, uint64_t now_ns);
// Returns whether it answers a request, if only one that has been answered.
bool setup_take(struct setup *s, const struct arrival *a, uint64_t now_ns);
// Sends again what is due: to be called every few milliseconds.
void setup_again(struct setup *s, uint64_t now_ns);

// Does the task for every client or flow that it is for. Returns 0, or a negative errno of the wire (stderr
// says it); what the server refuses is in the result.
int setup_run(struct setup_result *r, struct wire *w, struct population *p, struct credentials *c,
	enum task task);
