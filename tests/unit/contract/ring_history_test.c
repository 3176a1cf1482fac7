// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Random histories of both sides, against the plainest queue there is.
#include "ring_fixture.h"

#define MODEL 4096u // records, more than any ring here can hold

struct model {
	struct {
		uint64_t serial;
		uint32_t kind;
		uint32_t length;
	} record[MODEL];
	uint64_t written;
	uint64_t published;
	uint64_t read;
	uint64_t released;
};

static uint64_t random64(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void reserve(struct ring *r, struct model *m, uint64_t *state)
{
	uint32_t span = (uint32_t)(r->size / 2);
	uint32_t length = (uint32_t)(random64(state) % 8 ? random64(state) % 200
							 : random64(state) % (span - 7));
	uint32_t kind = 1 + (uint32_t)(random64(state) % 4);
	uint8_t *b = tp_ring_reserve(&r->p, kind, length);

	if (!b) {
		// Refused only where it might not fit: an empty ring takes everything up to its half.
		cr_assert_neq(m->written, m->released);
		return;
	}
	for (uint32_t i = 0; i < length; i++)
		b[i] = ring_byte(m->written, i);
	m->record[m->written % MODEL].serial = m->written;
	m->record[m->written % MODEL].kind = kind;
	m->record[m->written % MODEL].length = length;
	m->written++;
}

static void next(struct ring *r, struct model *m)
{
	uint64_t i = m->read % MODEL;

	if (m->read == m->published) {
		ring_expect_error(r, -EAGAIN);
		return;
	}
	ring_expect(r, m->record[i].serial, m->record[i].kind, m->record[i].length);
	m->read++;
}

static void history(uint64_t size, uint64_t seed, uint64_t start)
{
	static struct model m;
	struct ring r;
	uint64_t state = seed;

	m = (struct model){0};
	ring_open(&r, size, start);
	for (int step = 0; step < 20000; step++) {
		cr_assert_eq(tp_ring_ready(&r.c), m.read != m.published);
		switch (random64(&state) % 7) {
		case 0:
		case 1:
			reserve(&r, &m, &state);
			break;
		case 2:
			tp_ring_publish(&r.p);
			m.published = m.written;
			break;
		case 3:
		case 4:
			next(&r, &m);
			break;
		case 5:
			tp_ring_release(&r.c);
			m.released = m.read;
			break;
		default:
			cr_assert_geq(tp_ring_room(&r.p), 0);
			cr_assert_leq(tp_ring_room(&r.p), (int64_t)size);
		}
		cr_assert_leq(r.tail.value - r.head.value, size);
	}
	cr_assert_gt(m.read, 1000);
	ring_close(&r);
}

Test(ring_history, a_ring_is_a_queue_whatever_the_order_of_calls)
{
	for (uint64_t seed = 1; seed <= 40; seed++)
		history(4096ull << seed % 4, seed * 0x9e3779b97f4a7c15, (seed * 64) << seed % 3);
}

Test(ring_history, a_ring_is_a_queue_where_its_positions_wrap)
{
	for (uint64_t seed = 1; seed <= 10; seed++)
		history(4096, seed * 0x2545f4914f6cdd1d, -(seed * 12800));
}
