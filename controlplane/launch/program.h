// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A program under watch: started, or adopted from a launcher that died, and started again when it ends.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "spawn.h"

struct program;

struct program_events {
	// Its process changed: write it down. The process waits at its gate meanwhile.
	void (*changed)(void *context);
	// It is not started again: stopping, or it failed time after time before it was of any use.
	void (*ended)(void *context, struct program *program, bool gave_up);
	void *context;
};

struct program {
	const char *name; // of what runs, or is to run
	struct spawn spawn; // the caller fills this in before program_start()
	const struct program_events *events;
	struct process process;
	bool ours; // a child of this launcher, whose exit status we get
	bool useful; // has been of use: from then on it is always started again
	bool stopping; // not to be started again
	unsigned int failures;
	uint64_t started_ms;
	uv_loop_t *loop;
	uv_poll_t *poll;
	uv_timer_t timer;
};

// Milliseconds to wait before the start after `failures` ends in a row: 0, 10, 100, 1000, 5000, 5000, ...
uint64_t program_delay(unsigned int failures);
#define PROGRAM_HEALTHY_MS 10000u // having lived so long, the next failure is the first again
#define PROGRAM_ATTEMPTS 5u // failures in a row before it was ever useful

void program_init(struct program *program, uv_loop_t *loop, const char *name,
	const struct program_events *events);
// Starts it, or tries again later.
void program_start(struct program *program);
// Watches a process that is there already; takes it over.
void program_adopt(struct program *program, const struct process *process);
// Ends it with `signal` and for good. `ended` is called when it is gone; at once if it is not running, or
// could not be watched.
void program_stop(struct program *program, int signal);
