// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <stdlib.h>

#include "ports.h"

#define WORDS 8u
#define BLOCK (64u * WORDS) // ports
#define EVEN 0x5555555555555555ull

struct ports_block {
	uint64_t free[WORDS]; // a bit for each port
	uint16_t count[PORTS_KINDS]; // of those that are free
};

// The first ports of a kind: of a pair the even one.
static uint64_t of_kind(uint64_t free, enum ports_kind kind)
{
	if (kind == PORTS_ANY)
		return free;
	return (kind == PORTS_EVEN ? free : free & free >> 1) & EVEN;
}

static uint32_t ones(uint64_t word)
{
	return (uint32_t)__builtin_popcountll(word);
}

static bool in_range(const struct ports *ports, uint16_t port)
{
	return port >= ports->min && (uint32_t)(port - ports->min) < ports->total;
}

static bool is_free(const struct ports *ports, uint16_t port)
{
	const uint32_t bit = (uint32_t)port - ports->base;

	return ports->blocks[bit / BLOCK].free[bit % BLOCK / 64] >> bit % 64 & 1;
}

// Free becomes used, or used free.
static void flip(struct ports *ports, uint16_t port)
{
	const uint32_t bit = (uint32_t)port - ports->base;
	struct ports_block *b = &ports->blocks[bit / BLOCK];
	uint64_t *word = &b->free[bit % BLOCK / 64];
	const uint16_t one = is_free(ports, port) ? UINT16_MAX : 1;

	*word ^= 1ull << bit % 64;
	b->count[PORTS_ANY] += one;
	if (!(port & 1))
		b->count[PORTS_EVEN] += one;
	if (*word >> (bit ^ 1) % 64 & 1) // as is the other one of its pair
		b->count[PORTS_PAIR] += one;
	ports->free += (uint32_t)(int16_t)one;
}

int ports_create(struct ports *ports, uint16_t min, uint16_t max)
{
	const uint16_t base = min & 0xfffe;

	*ports = (struct ports){.min = min,
		.base = base,
		.total = (uint32_t)max - min + 1,
		.blocks_count = ((uint32_t)max - base) / BLOCK + 1};
	ports->blocks = calloc(ports->blocks_count, sizeof(*ports->blocks));
	if (!ports->blocks)
		return -ENOMEM;
	for (uint32_t port = min; port <= max; port++)
		flip(ports, (uint16_t)port);
	return 0;
}

void ports_destroy(struct ports *ports)
{
	free(ports->blocks);
	*ports = (struct ports){0};
}

uint32_t ports_free(const struct ports *ports, enum ports_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < ports->blocks_count; i++)
		n += ports->blocks[i].count[kind];
	return n;
}

// The nth (from 0) of a kind, of which there are more than n.
static uint16_t find(const struct ports *ports, enum ports_kind kind, uint32_t n)
{
	const struct ports_block *b = ports->blocks;
	const uint64_t *word;
	uint64_t bits;

	for (; n >= b->count[kind]; b++)
		n -= b->count[kind];
	for (word = b->free; n >= ones(of_kind(*word, kind)); word++)
		n -= ones(of_kind(*word, kind));
	for (bits = of_kind(*word, kind); n > 0; n--)
		bits &= bits - 1;
	return (uint16_t)(ports->base + (uint32_t)(b - ports->blocks) * BLOCK +
			  (uint32_t)(word - b->free) * 64 + (uint32_t)__builtin_ctzll(bits));
}

int ports_take(struct ports *ports, uint32_t random, enum ports_kind kind)
{
	const uint32_t n = kind == PORTS_ANY ? ports->free : ports_free(ports, kind);
	uint16_t port;

	if (!n)
		return -ENOSPC;
	// Scaled instead of a remainder: no division, and no bias worth the name for 65,536 ports.
	port = find(ports, kind, (uint32_t)(((uint64_t)random * n) >> 32));
	flip(ports, port);
	if (kind == PORTS_PAIR)
		flip(ports, port + 1);
	return port;
}

int ports_take_exactly(struct ports *ports, uint16_t port)
{
	if (!in_range(ports, port))
		return -ERANGE;
	if (!is_free(ports, port))
		return -EBUSY;
	flip(ports, port);
	return 0;
}

int ports_release(struct ports *ports, uint16_t port)
{
	if (!ports_used(ports, port))
		return -EINVAL;
	flip(ports, port);
	return 0;
}

bool ports_used(const struct ports *ports, uint16_t port)
{
	return in_range(ports, port) && !is_free(ports, port);
}
