// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The last step of a datagram that is relayed: its next hop, its new headers, its way out.
#pragma once

#include "worker.h"

// Rewrites the packet as `s` says (all but link layer, MTU and IP ID) and sends it to the
// destination, lets it wait for the next hop, or drops it under a name. `kind`: OUT_PEER or
// OUT_CLIENT. Takes it over.
void forward(struct worker *w, struct packet *p, struct frame_send *s, uint32_t destination,
	enum out_kind kind);

// Sends a finished frame of ours, in fragments where the MTU asks for it. Takes it over.
void forward_frame(struct worker *w, struct rte_mbuf *m, const struct departure *d);

// Builds a datagram of `length` bytes of payload for a destination (an ICMP attribute's
// indication).
void forward_message(struct worker *w, const uint8_t *message, uint32_t length,
	struct frame_send *s, uint32_t destination, enum out_kind kind);

// Sends what waits and has a next hop by now, and drops what has waited too long.
void forward_waiting(struct worker *w);
