// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The kernel's share of a worker: a TAP costs a system call a frame, so whoever floods the port with
// frames that aren't TURN's, or has the kernel send some, gets so many of them through in a
// millisecond, and a few in each round. What has to wait does so in a bounded queue.
#pragma once

#include <stdint.h>

#define SHARE_MS 64u // frames in each direction: some 64,000 a second
#define SHARE_ROUND 8u // of these in one round and direction, so that receive rings don't overrun

struct share {
	uint64_t since; // CLOCK_MONOTONIC, milliseconds
	uint16_t in; // frames that may yet go to the kernel
	uint16_t out; // and come from it
};

static inline void share_refill(struct share *s, uint64_t now)
{
	if (s->since == now)
		return;
	*s = (struct share){.since = now, .in = SHARE_MS, .out = SHARE_MS};
}

static inline uint16_t share_of_round(uint16_t left)
{
	return left < SHARE_ROUND ? left : SHARE_ROUND;
}
