// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which worker has a relay port: what a hairpinned datagram needs to know (design
// section 3). One byte for each relay address and port, shared by all workers.
//
// Roles      The worker that holds the port's socket writes; all workers read.
// Ordering   Relaxed. Whoever reads too old a value sends through the kernel, or drops, as it would
//            have a moment ago.
#pragma once

#include <turnpike/segment.h>

struct owners {
	uint8_t *worker; // index + 1, 0: nobody; by tp_owner_index()
};

static inline bool owners_in_range(const struct tp_capabilities *c, uint8_t relay, uint16_t port)
{
	return relay < c->relays && port >= c->port_min && port <= c->port_max;
}
