// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The other side may write anything at any time. What it writes costs it its own records.
#include "ring_fixture.h"

#define SIZE 4096u

static void forge(struct ring *r, uint64_t position, uint32_t kind, uint32_t length)
{
	struct tp_record record = {.length = length, .kind = kind};

	memcpy(r->data + position % SIZE, &record, sizeof(record));
}

// The ring is empty afterwards, does not report the same again, and goes on with honest records.
static void expect_recovery(struct ring *r)
{
	ring_expect_error(r, -EPROTO);
	ring_expect_error(r, -EAGAIN);
	cr_assert_not(tp_ring_ready(&r->c), "a refused tail must let the consumer sleep");
	tp_ring_release(&r->c);
	cr_assert_eq(tp_producer_init(&r->p, r->data, SIZE, &r->tail, &r->head), 0);
	for (uint64_t i = 0; i < 100; i++) {
		cr_assert(ring_put(r, i, TP_PUNT, 500));
		ring_expect(r, i, TP_PUNT, 500);
		tp_ring_release(&r->c);
	}
	ring_close(r);
}

Test(ring_hostile, a_tail_that_can_not_be_is_refused_once_and_the_ring_recovers)
{
	static const uint64_t tails[] = {1, 63, 1001, SIZE + 64, 3 * SIZE, 8 * SIZE + 64 - 1,
		UINT64_MAX, UINT64_MAX - 63, 1ull << 63, 0, 64};

	for (uint32_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		struct ring r;

		ring_open(&r, SIZE, 2 * SIZE + 256);
		r.tail.value = tails[i] == 3 * SIZE ? 3 * SIZE + 320 : tails[i];
		cr_assert(tp_ring_ready(&r.c));
		expect_recovery(&r);
	}
}

Test(ring_hostile, a_length_that_reaches_past_the_tail_or_the_end_of_the_data_is_refused)
{
	static const struct {
		uint64_t start;
		uint64_t published;
		uint32_t length;
	} cases[] = {
		{0, 64, 57},
		{0, 64, UINT32_MAX},
		{0, 128, 121},
		{0, SIZE, SIZE - 7},
		{64, SIZE, SIZE - 8}, // would end 64 bytes behind the data
		{SIZE - 64, 256, 57}, // crosses the end
		{SIZE - 64, SIZE, UINT32_MAX - 6},
		{SIZE - 128, SIZE, 1u << 31},
	};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ring r;

		ring_open(&r, SIZE, cases[i].start);
		forge(&r, cases[i].start, TP_PUNT, cases[i].length);
		r.tail.value = cases[i].start + cases[i].published;
		expect_recovery(&r);
	}
}

// Were fillers followed without end, a producer that keeps moving its tail would hold its reader.
Test(ring_hostile, a_filler_that_does_not_end_the_data_with_a_record_behind_it_is_refused)
{
	struct ring r;

	ring_open(&r, SIZE, 0);
	forge(&r, 0, TP_FILLER, 56);
	forge(&r, 64, TP_PUNT, 56);
	r.tail.value = 128;
	expect_recovery(&r);

	ring_open(&r, SIZE, SIZE - 64);
	forge(&r, SIZE - 64, TP_FILLER, 56);
	r.tail.value = SIZE;
	expect_recovery(&r);

	ring_open(&r, SIZE, SIZE - 64);
	forge(&r, SIZE - 64, TP_FILLER, 56);
	forge(&r, 0, TP_FILLER, SIZE - 64 - 8);
	r.tail.value = 2 * SIZE - 64;
	expect_recovery(&r);
}

Test(ring_hostile, a_kind_that_nobody_knows_comes_out_for_the_reader_to_count)
{
	struct ring r;
	uint32_t kind = 0;
	uint8_t out[8];

	ring_open(&r, SIZE, 0);
	cr_assert(ring_put(&r, 1, 0xdeadbeef, 3));
	cr_assert_eq(tp_ring_next(&r.c, &kind, out, sizeof(out)), 3);
	cr_assert_eq(kind, 0xdeadbeef);
	ring_close(&r);
}

Test(ring_hostile, a_head_that_can_not_be_stops_the_producer_until_it_is_a_position_again)
{
	static const uint64_t heads[] = {
		0, 64, SIZE - 64, 2 * SIZE + 64, SIZE + 1, UINT64_MAX, UINT64_MAX - 63, 1ull << 63};
	struct ring r;
	uint64_t n = 0;

	ring_open(&r, SIZE, SIZE);
	while (ring_put(&r, n, TP_COMMAND, 96))
		n++;
	for (uint32_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		r.head.value = heads[i];
		cr_assert_eq(tp_ring_room(&r.p), -EPROTO, "head %lu", heads[i]);
		cr_assert_null(tp_ring_reserve(&r.p, TP_COMMAND, 0));
		tp_ring_publish(&r.p);
		cr_assert_eq(r.tail.value, 2 * SIZE);
	}
	r.head.value = SIZE;
	cr_assert_eq(tp_ring_room(&r.p), 0);
	for (uint64_t i = 0; i < n; i++)
		ring_expect(&r, i, TP_COMMAND, 96);
	tp_ring_release(&r.c);
	cr_assert_eq(tp_ring_room(&r.p), SIZE);
	// Nor may a head go back to where it was.
	r.head.value = SIZE + 64;
	cr_assert_eq(tp_ring_room(&r.p), -EPROTO);
	ring_close(&r);
}

// What is reserved but not published can't have been read.
Test(ring_hostile, a_head_ahead_of_the_published_tail_is_refused)
{
	struct ring r;

	ring_open(&r, SIZE, 0);
	cr_assert_not_null(tp_ring_reserve(&r.p, TP_COMMAND, 96));
	r.head.value = 128;
	cr_assert_eq(tp_ring_room(&r.p), -EPROTO);
	r.head.value = 0;
	cr_assert_eq(tp_ring_room(&r.p), SIZE - 128);
	ring_close(&r);
}

static uint64_t random64(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

Test(ring_hostile, random_memory_is_read_within_bounds_and_every_call_makes_progress)
{
	uint64_t state = 0x9e3779b97f4a7c15;
	uint8_t *out = guarded(GUARD);
	struct ring r;

	ring_open(&r, SIZE, 0);
	for (int round = 0; round < 20000; round++) {
		uint32_t capacity = (uint32_t)(random64(&state) % (GUARD + 1));
		int n = 0;

		for (uint64_t i = 0; i < SIZE; i += TP_RING_ALIGN)
			forge(&r, i, (uint32_t)random64(&state) % 6,
				(uint32_t)(random64(&state) >> (32 + random64(&state) % 32)));
		r.tail.value = r.c.local + random64(&state) % (SIZE + SIZE / 8);
		if (random64(&state) % 4)
			r.tail.value &= ~63ull;
		for (;;) {
			uint32_t kind;
			uint64_t before = r.c.local;
			int length = tp_ring_next(&r.c, &kind, out + GUARD - capacity, capacity);

			if (length == -EAGAIN)
				break;
			cr_assert(length == -EPROTO || length == -EMSGSIZE ||
					  (length >= 0 && length <= (int)capacity),
				"%d", length);
			cr_assert_neq(kind, TP_FILLER);
			cr_assert(r.c.local % TP_RING_ALIGN == 0);
			cr_assert(length == -EPROTO || r.c.local > before);
			cr_assert_leq(++n, (int)(SIZE / TP_RING_ALIGN) + 1);
		}
		cr_assert_eq(r.c.local, r.tail.value & ~63ull);
		tp_ring_release(&r.c);
	}
	unguard(out, GUARD);
	ring_close(&r);
}
