// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What a dataplane hands to the control plane: its segment (turnpike/segment.h). It and the eventfds by
// which the threads wake each other live as long as the process.
#pragma once

#include <turnpike/attach.h>

struct segment {
	struct tp_mapping mapping;
	struct tp_dataplane_segment *shared; // mapping.base
	int fd; // of the memory
	uint32_t workers;
	int wake[TP_WORKERS_MAX]; // eventfds that wake workers, nobody else's; -1: none
	int ready; // eventfd that wakes the main thread: a worker's `held` has changed
};

// Makes the segment for so many workers, with a new epoch, and publishes the capabilities: they
// have to be complete. `owners`: where placement is TP_PLACEMENT_OWNER, the worker of each relay
// port, tp_owners_size() bytes that are copied; otherwise NULL. Returns 0 or a negative errno;
// segment_free() is due either way.
int segment_make(struct segment *s, uint32_t workers, const struct tp_capabilities *capabilities,
	const uint8_t *owners);
// When no worker runs any more. The control plane's own mapping outlives it.
void segment_free(struct segment *s);

// The published map of owners, by tp_owner_index(): to be read and written with relaxed atomics.
// Only of a segment that was made with one.
static inline uint8_t *segment_owners(const struct segment *s)
{
	return (uint8_t *)s->shared + tp_owners_offset(&s->shared->header);
}

// Stores the time, CLOCK_MONOTONIC milliseconds, in the heartbeat.
void segment_beat(struct segment *s, uint64_t now);
