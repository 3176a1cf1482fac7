// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A ring with an unreadable page on either side of its data: whoever reads or writes outside dies.
#pragma once

#include <sys/mman.h>

#include <criterion/criterion.h>

#include <turnpike/ring.h>

#define GUARD 4096u

struct ring {
	uint64_t size;
	uint8_t *data;
	struct tp_position tail;
	struct tp_position head;
	struct tp_producer p;
	struct tp_consumer c;
};

static inline uint8_t *guarded(uint64_t size)
{
	uint8_t *map = mmap(NULL, size + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(map, MAP_FAILED);
	cr_assert_eq(mprotect(map + GUARD, size, PROT_READ | PROT_WRITE), 0);
	return map + GUARD;
}

static inline void unguard(uint8_t *data, uint64_t size)
{
	munmap(data - GUARD, size + 2 * GUARD);
}

// An empty ring whose positions stand at `start`.
static inline void ring_open(struct ring *r, uint64_t size, uint64_t start)
{
	*r = (struct ring){.size = size, .data = guarded(size)};
	r->head.value = start;
	cr_assert_eq(tp_producer_init(&r->p, r->data, size, &r->tail, &r->head), 0);
	cr_assert_eq(tp_consumer_init(&r->c, r->data, size, &r->tail, &r->head), 0);
	cr_assert_eq(r->tail.value, start);
	cr_assert_eq(r->head.value, start);
}

static inline void ring_close(struct ring *r)
{
	unguard(r->data, r->size);
}

static inline uint8_t ring_byte(uint64_t serial, uint32_t i)
{
	return (uint8_t)(serial * 131 + i * 7 + (i >> 8));
}

// Writes and publishes a record whose bytes follow from `serial`. Returns whether there was room.
static inline bool ring_put(struct ring *r, uint64_t serial, uint32_t kind, uint32_t length)
{
	uint8_t *b = tp_ring_reserve(&r->p, kind, length);

	if (!b)
		return false;
	for (uint32_t i = 0; i < length; i++)
		b[i] = ring_byte(serial, i);
	tp_ring_publish(&r->p);
	return true;
}

// Reads the next record and expects that very one.
static inline void ring_expect(struct ring *r, uint64_t serial, uint32_t kind, uint32_t length)
{
	static uint8_t out[1 << 16];
	uint32_t got = UINT32_MAX;

	cr_assert_eq(tp_ring_next(&r->c, &got, out, sizeof(out)), (int)length);
	cr_assert_eq(got, kind);
	for (uint32_t i = 0; i < length; i++)
		cr_assert_eq(out[i], ring_byte(serial, i), "byte %u of %u", i, length);
}

static inline void ring_expect_error(struct ring *r, int error)
{
	uint8_t out[64];
	uint32_t kind;

	cr_assert_eq(tp_ring_next(&r->c, &kind, out, sizeof(out)), error);
}
