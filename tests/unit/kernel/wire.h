// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A host with the addresses of the table of frames, one way in and another out, as veths. Their far ends are the
// test's: what it puts on one arrives whole, and what leaves by the other is captured whole, on its way to the table's
// next hop.
#pragma once

#include <stdint.h>

#include "rig.h"

#define WIRE_FRAME_MAX 2048u

struct wire {
	int in; // packet sockets on the far ends
	int out;
	uint16_t mtu; // of the way out
};

// Enters a network of the test's own and makes all this there. Skips the test where that takes more than it may. From
// then on the test and what it starts run on one CPU: frames stay in their order, in queues that are each CPU's own.
void wire_make(struct wire *w);

// The next hop as new, with this MTU: what the kernel has learnt of paths is forgotten.
void wire_renew(struct wire *w, uint16_t mtu);

void wire_put(struct wire *w, const uint8_t *frame, uint32_t length);
// The next frame that leaves, of WIRE_FRAME_MAX bytes at most. Returns its length.
uint32_t wire_take(struct wire *w, uint8_t *frame);
