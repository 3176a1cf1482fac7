// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What turnpikectl shows, as JSON. No secret is in any of it.
#pragma once

#include <jansson.h>

#include "../config/config.h"
#include "../link/shm.h"
#include "../turn/server.h"

#define REPORT_ALLOCATIONS_MAX 10000u // told at once

struct report {
	struct turn_server *server;
	struct shm_link *link;
	const struct config *config;
	uint64_t started_ms; // CLOCK_MONOTONIC
	uint64_t now_ms;
};

// The answer to a request's "command". The caller decrefs; NULL: no memory.
json_t *report_answer(const struct report *r, const char *command);
