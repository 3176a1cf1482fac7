// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "ring_fixture.h"

#define SIZE 4096u
#define LONGEST (SIZE / 2 - (uint32_t)sizeof(struct tp_record)) // fits an empty ring anywhere

Test(ring, records_of_every_length_come_out_whole_and_in_order_across_wraps)
{
	struct ring r;
	uint64_t serial = 0;

	ring_open(&r, SIZE, 0);
	for (uint32_t length = 0; length <= LONGEST; length++) {
		cr_assert(ring_put(&r, serial, 1 + length % 4, length));
		ring_expect(&r, serial, 1 + length % 4, length);
		tp_ring_release(&r.c);
		cr_assert(ring_put(&r, serial + 1, 5, length % 61));
		ring_expect(&r, serial + 1, 5, length % 61);
		ring_expect_error(&r, -EAGAIN);
		tp_ring_release(&r.c);
		serial += 2;
	}
	cr_assert_gt(r.tail.value, 100 * SIZE);
	cr_assert_eq(r.tail.value, r.head.value);
	ring_close(&r);
}

Test(ring, a_full_ring_refuses_and_stays_intact)
{
	struct ring r;
	uint64_t n = 0;

	ring_open(&r, SIZE, 0);
	while (ring_put(&r, n, TP_PUNT, 100))
		n++;
	cr_assert_eq(n, SIZE / 128);
	cr_assert_eq(tp_ring_room(&r.p), 0);
	for (int i = 0; i < 1000; i++)
		cr_assert_null(tp_ring_reserve(&r.p, TP_PUNT, (uint32_t)i));
	cr_assert_eq(r.tail.value, SIZE);
	for (uint64_t i = 0; i < n; i++)
		ring_expect(&r, i, TP_PUNT, 100);
	ring_expect_error(&r, -EAGAIN);
	// What is read but not released is not free yet.
	cr_assert_null(tp_ring_reserve(&r.p, TP_PUNT, 0));
	tp_ring_release(&r.c);
	cr_assert_eq(tp_ring_room(&r.p), SIZE);
	cr_assert(ring_put(&r, 77, TP_PUNT, 100));
	ring_expect(&r, 77, TP_PUNT, 100);
	ring_close(&r);
}

Test(ring, a_record_of_half_the_ring_fits_an_empty_ring_wherever_it_stands_and_no_longer_one_ever)
{
	for (uint64_t start = 0; start < SIZE; start += TP_RING_ALIGN) {
		struct ring r;

		ring_open(&r, SIZE, start);
		cr_assert_null(tp_ring_reserve(&r.p, TP_SEND, LONGEST + 1), "at %lu", start);
		cr_assert_eq(r.p.local, start);
		cr_assert(ring_put(&r, start, TP_SEND, LONGEST), "at %lu", start);
		ring_expect(&r, start, TP_SEND, LONGEST);
		ring_close(&r);
	}
}

Test(ring, a_length_that_no_ring_holds_is_refused_and_changes_nothing)
{
	static const uint32_t lengths[] = {
		SIZE, SIZE - 8, 1u << 30, 1u << 31, UINT32_MAX - 64, UINT32_MAX - 8, UINT32_MAX};

	for (uint32_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct ring r;

		ring_open(&r, SIZE, 64 * i);
		cr_assert_null(tp_ring_reserve(&r.p, TP_PUNT, lengths[i]));
		tp_ring_publish(&r.p);
		cr_assert_eq(r.tail.value, 64 * i);
		ring_expect_error(&r, -EAGAIN);
		ring_close(&r);
	}
}

Test(ring, what_does_not_fit_before_the_end_is_preceded_by_a_filler_that_ends_there)
{
	static const uint8_t filler[] = {56, 0, 0, 0, TP_FILLER, 0, 0, 0};
	static const uint8_t record[] = {64, 0, 0, 0, TP_COMMAND, 0, 0, 0};
	struct ring r;

	ring_open(&r, SIZE, SIZE - 64);
	cr_assert(ring_put(&r, 9, TP_COMMAND, 64));
	cr_assert_arr_eq(r.data + SIZE - 64, filler, sizeof(filler));
	cr_assert_arr_eq(r.data, record, sizeof(record));
	cr_assert_eq(r.tail.value, SIZE + 128);
	ring_expect(&r, 9, TP_COMMAND, 64);
	tp_ring_release(&r.c);
	cr_assert_eq(r.head.value, SIZE + 128);
	ring_close(&r);
}

Test(ring, nothing_is_seen_before_it_is_published)
{
	struct ring r;

	ring_open(&r, SIZE, 0);
	cr_assert_not(tp_ring_ready(&r.c));
	cr_assert_not_null(tp_ring_reserve(&r.p, TP_SEND, 0));
	cr_assert_not_null(tp_ring_reserve(&r.p, TP_RESULT, 0));
	cr_assert_not(tp_ring_ready(&r.c));
	ring_expect_error(&r, -EAGAIN);
	tp_ring_publish(&r.p);
	cr_assert(tp_ring_ready(&r.c));
	ring_expect(&r, 0, TP_SEND, 0);
	cr_assert(tp_ring_ready(&r.c));
	ring_expect(&r, 0, TP_RESULT, 0);
	cr_assert_not(tp_ring_ready(&r.c));
	ring_close(&r);
}

Test(ring, a_record_longer_than_the_readers_buffer_is_skipped_alone)
{
	struct ring r;
	uint8_t *out = guarded(GUARD);
	uint32_t kind = 0;

	ring_open(&r, SIZE, 0);
	cr_assert(ring_put(&r, 1, TP_PUNT, 101));
	cr_assert(ring_put(&r, 2, TP_RESULT, 100));
	cr_assert_eq(tp_ring_next(&r.c, &kind, out + GUARD - 100, 100), -EMSGSIZE);
	cr_assert_eq(kind, TP_PUNT);
	cr_assert_eq(tp_ring_next(&r.c, &kind, out + GUARD - 100, 100), 100);
	cr_assert_eq(kind, TP_RESULT);
	cr_assert_eq(out[GUARD - 1], ring_byte(2, 99));
	unguard(out, GUARD);
	ring_close(&r);
}

Test(ring, sizes_other_than_powers_of_two_between_a_page_and_a_gibibyte_are_invalid)
{
	cr_assert(tp_ring_size_valid(4096));
	cr_assert(tp_ring_size_valid(1ull << 30));
	cr_assert_not(tp_ring_size_valid(0));
	cr_assert_not(tp_ring_size_valid(2048));
	cr_assert_not(tp_ring_size_valid(4097));
	cr_assert_not(tp_ring_size_valid(12288));
	cr_assert_not(tp_ring_size_valid(1ull << 31));
	cr_assert_not(tp_ring_size_valid(1ull << 63));
	cr_assert_not(tp_ring_size_valid(UINT64_MAX));
}

Test(ring, a_record_takes_its_header_and_bytes_rounded_up_to_a_line)
{
	cr_assert_eq(tp_record_span(0), 64);
	cr_assert_eq(tp_record_span(56), 64);
	cr_assert_eq(tp_record_span(57), 128);
	cr_assert_eq(tp_record_span(UINT32_MAX), (1ull << 32) + 64);
}
