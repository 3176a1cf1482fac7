// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The dataplane as a whole: its segment, its workers, and what they share.
#pragma once

#include "settings.h"
#include "worker.h"
#include "xdp/xdp.h"

struct plane {
	struct segment segment;
	uint32_t workers; // that have been made
	struct worker *worker[TP_WORKERS_MAX];
	struct agent *agent[TP_WORKERS_MAX]; // the workers'
	uint32_t running; // threads to join
	struct owners owners;
	struct xdp xdp;
	struct raw raw;
};

// Makes everything and starts the workers. Returns 0, or -1 after a sentence on stderr; either way
// plane_stop() takes it down.
int plane_start(struct plane *plane, struct settings *settings);
void plane_stop(struct plane *plane);

// As serve() wants it, of a plane: shows what the XDP program has counted.
void plane_beat(void *context);
