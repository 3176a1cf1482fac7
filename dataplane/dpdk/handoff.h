// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What came to the wrong worker under TP_PLACEMENT_OWNER (fragments, ICMP errors, a NIC whose table
// changed) or belongs to another's allocation (hairpins), to the right one: a ring for each worker,
// bounded on both sides. A frame that belongs to a relay port goes to the port's owner; one of a
// client that this worker doesn't know is passed round, from worker to worker, until one does.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <turnpike/addr.h>

struct worker;
struct packet;

#define HANDOFF_RING 1024u
#define HANDOFF_ROUND 32u // taken in one round: a flood to others is not our own
#define HANDOFF_PASS 16u // passed round in one round: nor is a stranger's flood everybody's

enum handoff_kind {
	HANDOFF_FRAME = 0, // as it arrived, or as it was put together
	HANDOFF_HAIRPIN =
		1, // a client's frame, of which the payload is to be delivered as a peer's
};

// Travels in a buffer's private area.
struct handoff {
	struct tp_endpoint peer; // HANDOFF_HAIRPIN: the source, in its public form
	uint32_t skip; // HANDOFF_HAIRPIN: where the data begins in the payload
	uint32_t length; // and its length
	uint16_t relay_port; // HANDOFF_HAIRPIN
	uint8_t relay; // HANDOFF_HAIRPIN: index of the relay address
	uint8_t kind; // enum handoff_kind
	uint8_t port; // where the frame arrived
	uint8_t passed; // workers that it has come from
	bool in_pieces; // it was put together from fragments
	bool dont_fragment; // HANDOFF_HAIRPIN
};

// The ring that others hand worker `index` frames over; NULL: no memory.
struct rte_ring *handoff_ring(uint32_t index);

// The worker that owns a relay port: w->index where that is not another's.
uint32_t handoff_owner(const struct worker *w, uint8_t relay, uint16_t port);

// Hands the packet to another worker. Returns false when its ring is full: the packet stays the
// caller's.
bool handoff_frame(struct worker *w, struct packet *p, uint32_t to);
bool handoff_hairpin(struct worker *w, struct packet *p, uint32_t to, const struct handoff *what);

// The worker to pass a client's packet to of which this one knows nothing. Returns false when all
// have seen it, or all know the same.
bool handoff_next(const struct worker *w, const struct packet *p, uint32_t *next);

// Takes a burst of what others have handed us, and deals with it. Returns how many there were.
unsigned int handoff_take(struct worker *w);
