// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Either side may die and start again at the other's position.
#include "ring_fixture.h"

#define SIZE 4096u

Test(ring_restart, a_restarted_producer_starts_where_the_consumer_stands)
{
	struct ring r;

	ring_open(&r, SIZE, 640);
	cr_assert(ring_put(&r, 1, TP_PUNT, 10));
	cr_assert(ring_put(&r, 2, TP_PUNT, 10));
	ring_expect(&r, 1, TP_PUNT, 10);
	tp_ring_release(&r.c);
	r.tail.value = 0; // a new segment
	cr_assert_eq(tp_producer_init(&r.p, r.data, SIZE, &r.tail, &r.head), 0);
	cr_assert_eq(r.tail.value, 704);
	cr_assert_eq(tp_ring_room(&r.p), SIZE);
}

Test(ring_restart, a_new_consumer_skips_what_its_predecessor_left_unread)
{
	struct ring r;

	ring_open(&r, SIZE, 0);
	for (uint64_t i = 0; i < 5; i++)
		cr_assert(ring_put(&r, i, TP_RESULT, 24));
	r.head.value = 0;
	cr_assert_eq(tp_consumer_init(&r.c, r.data, SIZE, &r.tail, &r.head), 0);
	cr_assert_eq(r.head.value, 5 * 64);
	ring_expect_error(&r, -EAGAIN);
	cr_assert(ring_put(&r, 5, TP_RESULT, 24));
	ring_expect(&r, 5, TP_RESULT, 24);
	ring_close(&r);
}

// The control plane writes commands as soon as it has sent its welcome; the worker comes to it later.
Test(ring_restart, a_resumed_consumer_misses_nothing_of_a_producer_that_was_quicker)
{
	struct ring r;

	ring_open(&r, SIZE, 0);
	for (uint64_t i = 0; i < 70; i++) {
		cr_assert(ring_put(&r, i, TP_COMMAND, 96));
		ring_expect(&r, i, TP_COMMAND, 96);
		tp_ring_release(&r.c);
	}
	cr_assert_eq(tp_producer_init(&r.p, r.data, SIZE, &r.tail, &r.head), 0);
	cr_assert(ring_put(&r, 100, TP_COMMAND, 96));
	cr_assert(ring_put(&r, 101, TP_SEND, 56));
	tp_consumer_resume(&r.c, r.data, SIZE, &r.tail, &r.head);
	cr_assert(tp_ring_ready(&r.c));
	ring_expect(&r, 100, TP_COMMAND, 96);
	ring_expect(&r, 101, TP_SEND, 56);
	ring_expect_error(&r, -EAGAIN);
	ring_close(&r);
}

Test(ring_restart, a_position_that_can_not_be_is_refused_and_nothing_is_stored)
{
	struct ring r;

	ring_open(&r, SIZE, 128);
	r.head.value = 129;
	r.tail.value = 64;
	cr_assert_eq(tp_producer_init(&r.p, r.data, SIZE, &r.tail, &r.head), -EPROTO);
	cr_assert_eq(r.tail.value, 64);
	r.head.value = 128;
	r.tail.value = 100;
	cr_assert_eq(tp_consumer_init(&r.c, r.data, SIZE, &r.tail, &r.head), -EPROTO);
	cr_assert_eq(r.head.value, 128);
	// Resuming depends on nothing of the other side's: what is wrong there shows when reading.
	tp_consumer_resume(&r.c, r.data, SIZE, &r.tail, &r.head);
	ring_expect_error(&r, -EPROTO);
	ring_close(&r);
}

Test(ring_restart, a_resumed_producer_goes_on_at_its_own_tail_and_refuses_another_head)
{
	struct ring r;

	ring_open(&r, SIZE, 0);
	cr_assert(ring_put(&r, 1, TP_PUNT, 10));
	r.head.value = 0; // a new control plane, which skips what was left
	cr_assert_eq(tp_consumer_init(&r.c, r.data, SIZE, &r.tail, &r.head), 0);
	tp_producer_resume(&r.p, r.data, SIZE, &r.tail, &r.head);
	cr_assert_eq(r.tail.value, 64);
	cr_assert_eq(tp_ring_room(&r.p), SIZE);
	cr_assert(ring_put(&r, 2, TP_PUNT, 10));
	ring_expect(&r, 2, TP_PUNT, 10);
	r.head.value = 0;
	tp_producer_resume(&r.p, r.data, SIZE, &r.tail, &r.head);
	cr_assert_eq(tp_ring_room(&r.p), -EPROTO);
	ring_close(&r);
}

// A hostile tail moves the consumer anywhere, and its honest successor starts there.
Test(ring_restart, positions_pass_the_end_of_their_64_bits)
{
	struct ring r;

	ring_open(&r, SIZE, 0);
	__atomic_store_n(&r.tail.value, UINT64_MAX - 63, __ATOMIC_RELEASE);
	ring_expect_error(&r, -EPROTO);
	tp_ring_release(&r.c);
	cr_assert_eq(tp_producer_init(&r.p, r.data, SIZE, &r.tail, &r.head), 0);
	for (uint64_t i = 0; i < 300; i++) {
		cr_assert(ring_put(&r, i, TP_COMMAND, 96), "record %lu", i);
		cr_assert(ring_put(&r, i, TP_SEND, 1000), "record %lu", i);
		ring_expect(&r, i, TP_COMMAND, 96);
		ring_expect(&r, i, TP_SEND, 1000);
		tp_ring_release(&r.c);
		cr_assert_eq(tp_ring_room(&r.p), SIZE);
	}
	ring_close(&r);
}
