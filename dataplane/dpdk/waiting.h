// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Finished frames that wait for the link-layer address of their next hop: a small, bounded queue of
// each worker, in order.
#pragma once

#include <stdbool.h>

#include <rte_mbuf.h>

#include "out.h"

#define WAITING_MAX 256u
#define WAITING_MS 1000u

// What is known of a frame besides its bytes.
struct departure {
	uint32_t destination; // nexthop.h; 0: the frame has its link-layer header
	uint32_t bytes; // of application data
	uint16_t mtu; // of IP packets
	uint8_t port;
	uint8_t kind; // enum out_kind
	bool whole; // it must not be fragmented
};

struct waiting_frame {
	struct rte_mbuf *mbuf;
	struct departure departure;
	uint64_t until; // CLOCK_MONOTONIC, milliseconds
};

struct waiting {
	uint32_t count;
	uint64_t generation; // of the next hops when they were last asked
	struct waiting_frame frame[WAITING_MAX]; // oldest first
};

// Returns false when there is no room: the frame stays the caller's.
static inline bool waiting_add(
	struct waiting *w, struct rte_mbuf *m, const struct departure *d, uint64_t now)
{
	if (w->count == WAITING_MAX)
		return false;
	w->frame[w->count++] = (struct waiting_frame){m, *d, now + WAITING_MS};
	return true;
}
