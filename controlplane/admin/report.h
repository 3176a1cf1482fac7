// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What turnpikectl shows, as JSON. No secret is in any of it.
#pragma once

#include <jansson.h>

#include "../config/config.h"
#include "../link/shm.h"
#include "../turn/server.h"

#define REPORT_SLOTS 16384u // looked at for one answer, and
#define REPORT_ALLOCATIONS 256u // told in it: the loop that answers serves clients too

struct report {
	struct turn_server *server;
	struct shm_link *link;
	const struct config *config;
	uint64_t started_ms; // CLOCK_MONOTONIC
	uint64_t now_ms;
};

// The answer to a request: its "command", and for allocations the "cursor" where to go on, which is the
// "next" of the answer before. The last answer has no "next". The caller decrefs; NULL: no memory.
json_t *report_answer(const struct report *r, const json_t *request);
