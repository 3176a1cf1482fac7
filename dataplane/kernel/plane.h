// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The dataplane as a whole: its segment, its workers, and what they share.
#pragma once

#include "options.h"
#include "worker.h"

struct plane {
	struct tp_mapping mapping;
	struct tp_dataplane_segment *segment; // mapping.base
	int segment_fd;
	uint32_t workers; // that have been made
	struct worker *worker[TP_WORKERS_MAX];
	int bell[TP_WORKERS_MAX]; // eventfds, handed to the control plane too
	int ready; // eventfd: a worker has taken or let go of an attachment
	uint32_t running; // threads to join
	struct owners owners;
};

// Makes everything and starts the workers. Returns 0, or -1 after a sentence on stderr; either way
// plane_stop() takes it down.
int plane_start(struct plane *plane, const struct options *options);
void plane_stop(struct plane *plane);

// Stores the time in the segment's heartbeat.
void plane_beat(struct plane *plane, uint64_t now_ms);

// Tells every worker to take `attachment`, or with NULL to let go of what it has.
void plane_offer(struct plane *plane, struct attachment *attachment);

// Whether every worker has done so.
bool plane_settled(const struct plane *plane, const struct attachment *attachment);
