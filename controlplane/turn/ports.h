// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The relay ports of one relay address: which are free, and a random one of them (RFC 8656 section
// 7.2: ports should be hard to guess). Every port of the range is free or used: free + used = range.
// A bit for each port, and counts of each 512: a little over a bit for each port in all.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Which port (RFC 8656 section 7.2, EVEN-PORT).
enum ports_kind {
	PORTS_ANY = 0,
	PORTS_EVEN = 1,
	PORTS_PAIR = 2, // an even one and the next
	PORTS_KINDS
};

struct ports_block;

struct ports {
	uint16_t min;
	uint16_t base; // of bit 0: even, so that the ports of a pair are in one word
	uint32_t total; // ports in the range
	uint32_t free;
	uint32_t blocks_count;
	struct ports_block *blocks;
};

// The range is [min, max]. Returns 0 or -ENOMEM.
int ports_create(struct ports *ports, uint16_t min, uint16_t max);
void ports_destroy(struct ports *ports);

// Takes a free port of this kind, each as likely, chosen by `random`; of a pair both. Returns it (of a pair
// the even one), or -ENOSPC.
int ports_take(struct ports *ports, uint32_t random, enum ports_kind kind);
// Takes this very port. Returns 0; -EBUSY: used; -ERANGE: not in the range.
int ports_take_exactly(struct ports *ports, uint16_t port);
// Gives a used port back. Returns 0; -EINVAL: it was free or is not in the range.
int ports_release(struct ports *ports, uint16_t port);
// How many ports of a kind are free: of pairs, even ports whose next one is free as well.
uint32_t ports_free(const struct ports *ports, enum ports_kind kind);
bool ports_used(const struct ports *ports, uint16_t port);
