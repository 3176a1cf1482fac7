// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The dataplane as a whole: EAL, ports, memory, workers.
#pragma once

#include "shared.h"
#include "worker.h"

struct plane {
	struct shared shared;
	struct segment segment;
	uint32_t opened; // ports to close
	uint32_t workers; // that have been made
	uint32_t running; // lcores to wait for
	struct worker *worker[TP_WORKERS_MAX];
	struct agent *agent[TP_WORKERS_MAX]; // of each worker, for the link
};

// Makes everything, once EAL has started. plane_run(): starts the workers, each on its lcore. Both
// return 0, or -1 after a sentence on stderr; either way plane_free() takes it all down, the
// workers first.
int plane_make(struct plane *plane, const struct settings *settings);
int plane_run(struct plane *plane);
void plane_free(struct plane *plane);
