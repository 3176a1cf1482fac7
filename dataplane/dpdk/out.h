// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Frames on their way out of one device's queue: gathered through a burst, sent at its end. What
// the device does not take is dropped, counted, and waited for by nobody.
#pragma once

#include <rte_mbuf.h>

#include <tally.h>

enum out_kind {
	OUT_PEER = 0, // a client's datagram to a peer
	OUT_CLIENT = 1, // a peer's datagram, or an ICMP error, to a client
	OUT_REPLY = 2, // a STUN message of the control plane
	OUT_ERROR = 3, // an ICMP error of our own
	OUT_TO_KERNEL = 4,
	OUT_FROM_KERNEL = 5,
	OUT_FRAGMENT = 6, // any but the first fragment of a datagram
	OUT_KINDS
};

#define OUT_MAX 128u
#define OUT_BYTES 24u // bits

struct out {
	uint16_t device; // DPDK's
	uint16_t queue;
	uint16_t count;
	uint32_t what[OUT_MAX]; // enum out_kind above bytes of application data
	struct rte_mbuf *mbuf[OUT_MAX];
};

// Sends everything.
void out_flush(struct out *o, struct tally *t);

// Sends the first `most` frames; the others stay. Returns how many have left `o`.
uint16_t out_flush_some(struct out *o, struct tally *t, uint16_t most);

// Takes the frame over. `bytes`: of application data, counted for OUT_PEER and OUT_CLIENT.
static inline void out_push(
	struct out *o, struct tally *t, struct rte_mbuf *m, enum out_kind kind, uint32_t bytes)
{
	if (o->count == OUT_MAX)
		out_flush(o, t);
	o->mbuf[o->count] = m;
	o->what[o->count++] = (uint32_t)kind << OUT_BYTES | bytes;
}
