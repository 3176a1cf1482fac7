// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The link below our addresses: ARP (RFC 826) and neighbour discovery (RFC 4861), answered for all of them and
// asked for next hops. Frames in, frames out: no I/O.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "options.h"

#define LINK_FRAME_MAX 86u // a neighbour solicitation or advertisement with one option
#define LINK_NEIGHBOURS_MAX 64u
#define LINK_AGAIN_NS 100000000u // until a neighbour is asked for again

struct neighbour {
	struct tp_ip ip;
	uint8_t mac[6];
	bool known;
	uint64_t asked_ns;
};

struct link {
	uint8_t mac[6];
	const struct range *owned[2];
	uint32_t neighbours;
	struct neighbour neighbour[LINK_NEIGHBOURS_MAX];
};

void link_init(struct link *l, const uint8_t mac[6], const struct range *a, const struct range *b);
// Looks at a frame that carries no datagram: learns from it, and answers. Returns the length of what was
// written to `out` (LINK_FRAME_MAX bytes); 0: nothing is to be sent.
uint32_t link_input(struct link *l, const uint8_t *frame, uint32_t length, uint8_t *out);
// The link-layer address of a neighbour. Returns 0; -EAGAIN: `*asking` bytes were written to `out`, to be sent
// (0: they have been, not long ago); -ENOSPC: there are too many neighbours.
int link_find(struct link *l, const struct tp_ip *ip, const struct tp_ip *from, uint64_t now_ns,
	uint8_t mac[6], uint8_t *out, uint32_t *asking);
