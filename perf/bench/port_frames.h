// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The frames that port_bench sends through a worker, and what has to come out.
#pragma once

#include "port_world.h"

enum way { CHANNEL_TO_PEER, PEER_TO_CHANNEL, SEND_TO_PEER, PEER_TO_INDICATION, WAYS };

#define DATA 172u // application bytes: 20 ms of Opus in SRTP

// Allocation `i`'s peer: the one with the channel, or another port of it, which has the permission only.
struct tp_endpoint peer_by(const struct scene *s, enum way way, uint32_t i);

// Makes the buffer a frame of allocation `i`, as a driver leaves it: the first byte behind the headroom.
void frame_arrive(struct rte_mbuf *m, const struct scene *s, enum way way, uint32_t i);

// Whether the buffer holds, byte for byte, what the frame has to leave as. IPv4's DF and ID and IPv6's
// flow label are not looked at (tests/frames/ does).
bool frame_left(const struct rte_mbuf *m, const struct scene *s, enum way way, uint32_t i);
