// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The launcher: two programs under watch, and the descriptors that outlive either.
#pragma once

#include <stdbool.h>

#include <uv.h>

#include "../config/config.h"
#include "program.h"
#include "readiness.h"
#include "runtime.h"
#include "users.h"

#define CONTROL_NAME "turnpike-control"
#define KERNEL_NAME "turnpike-kernel"
#define DPDK_NAME "turnpike-dpdk"

enum { CONTROL, DATAPLANE, PROGRAMS };

struct launcher {
	const struct config *config;
	struct runtime *runtime;
	uv_loop_t loop;
	struct program program[PROGRAMS];
	struct program_events events;
	uv_signal_t term, interrupt;
	uv_timer_t patience;
	struct readiness readiness;
	unsigned int live; // programs that have not ended for good
	bool stopping;
	bool gave_up;
};

// Runs until a SIGTERM or SIGINT has ended all programs. Starts what is not in `adopted` (pid 0). Returns
// 0, or 1 when a program would not run.
int launcher_run(struct launcher *launcher, const struct config *config, struct runtime *runtime,
	const struct users *users, const struct process adopted[PROGRAMS]);
