// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Asks the control plane for its status until a dataplane is attached to it and has all there is.
#pragma once

#include <stdbool.h>

#include <uv.h>

struct readiness {
	uv_timer_t timer;
	struct question *question; // under way
	const char *path;
	void (*ready)(void *context);
	void *context;
	unsigned int ticks; // of the question
};

// Calls `ready` once. `path` (the control socket's) must stay.
void readiness_start(struct readiness *readiness, uv_loop_t *loop, const char *path,
	void (*ready)(void *context), void *context);
void readiness_stop(struct readiness *readiness);
