// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <fcntl.h>

#include <criterion/criterion.h>

#include <turnpike/doorbell.h>

// A bell and both of its ends; `heard` is how many rings there have been since the last time.
struct bell {
	struct tp_doorbell bell;
	int end[2];
};

static struct bell make(void)
{
	struct bell b = {0};

	cr_assert_eq(tp_bell_make(b.end), 0);
	return b;
}

static bool ring(struct bell *b, uint32_t *rung)
{
	return tp_doorbell_ring(&b->bell, b->end[1], rung);
}

static int heard(const struct bell *b)
{
	return tp_bell_silence(b->end[0]);
}

Test(doorbell, a_consumer_that_is_awake_is_not_rung)
{
	struct bell b = make();
	uint32_t rung = 0;

	cr_assert_not(ring(&b, &rung));
	tp_doorbell_sleep(&b.bell);
	tp_doorbell_awake(&b.bell);
	cr_assert_not(ring(&b, &rung));
	cr_assert_eq(heard(&b), 0);
}

Test(doorbell, each_sleep_is_rung_once_by_each_producer)
{
	struct bell b = make();
	uint32_t one = 0;
	uint32_t other = 0;

	for (int i = 0; i < 1000; i++) {
		tp_doorbell_sleep(&b.bell);
		cr_assert(ring(&b, &one));
		cr_assert_not(ring(&b, &one));
		cr_assert(ring(&b, &other));
		cr_assert_eq(heard(&b), 2);
		tp_doorbell_awake(&b.bell);
		tp_doorbell_awake(&b.bell);
	}
}

// A timer woke it, it did its work and goes back to sleep: the producer must ring for this one too.
Test(doorbell, a_second_sleep_is_another_sleep_even_if_nobody_said_awake)
{
	struct bell b = make();
	uint32_t rung = 0;

	tp_doorbell_sleep(&b.bell);
	cr_assert(ring(&b, &rung));
	cr_assert_eq(heard(&b), 1);
	tp_doorbell_sleep(&b.bell);
	cr_assert(ring(&b, &rung));
	cr_assert_eq(heard(&b), 1);
}

Test(doorbell, sleeps_are_rung_where_their_number_wraps)
{
	struct bell b = make();
	uint32_t rung = 0;

	b.bell.need = UINT32_MAX - 7;
	for (int i = 0; i < 16; i++) {
		tp_doorbell_sleep(&b.bell);
		cr_assert_eq(b.bell.need % 2, 1);
		cr_assert(ring(&b, &rung));
		if (i % 3) {
			tp_doorbell_awake(&b.bell);
			cr_assert_eq(b.bell.need % 2, 0);
		}
	}
	cr_assert_eq(heard(&b), 16);
}

static void fill(const struct bell *b)
{
	while (send(b->end[1], "x", 1, MSG_DONTWAIT) == 1)
		;
	cr_assert_eq(errno, EAGAIN);
}

Test(doorbell, a_full_bell_counts_as_rung)
{
	struct bell b = make();
	uint32_t rung = 0;

	fill(&b);
	tp_doorbell_sleep(&b.bell);
	cr_assert(ring(&b, &rung));
	cr_assert_not(ring(&b, &rung));
}

// O_NONBLOCK belongs to the socket that both sides hold; with an eventfd this test does not end.
Test(doorbell, nobody_is_held_by_a_side_that_fills_a_bell_and_has_it_block, .timeout = 60)
{
	struct bell b = make();
	uint32_t rung = 0;

	for (int i = 0; i < 2; i++)
		cr_assert_eq(fcntl(b.end[i], F_SETFL, 0), 0);
	fill(&b);
	tp_doorbell_sleep(&b.bell);
	cr_assert(ring(&b, &rung));
	while (heard(&b) > 0)
		;
	cr_assert_eq(heard(&b), 0, "an empty bell holds nobody either");
}

Test(doorbell, rings_are_silenced_so_many_at_a_time)
{
	struct bell b = make();
	uint32_t rung[TP_BELL_RINGS + 2] = {0};

	tp_doorbell_sleep(&b.bell);
	for (uint32_t i = 0; i < TP_BELL_RINGS + 2; i++)
		cr_assert(ring(&b, &rung[i]));
	cr_assert_eq(heard(&b), TP_BELL_RINGS);
	cr_assert_eq(heard(&b), 2);
	cr_assert_eq(heard(&b), 0);
}

Test(doorbell, the_end_of_the_other_side_and_what_it_sends_are_rings_at_most)
{
	struct bell b = make();
	uint32_t rung = 0;
	char large[5000] = {0};

	cr_assert_eq(send(b.end[1], large, sizeof(large), 0), (ssize_t)sizeof(large));
	cr_assert_eq(send(b.end[1], large, 0, 0), 0);
	cr_assert_eq(heard(&b), 2);
	close(b.end[1]);
	cr_assert_eq(heard(&b), 0);
	b = make();
	close(b.end[0]);
	tp_doorbell_sleep(&b.bell);
	cr_assert_not(ring(&b, &rung));
}

Test(doorbell, a_ring_that_failed_is_tried_again)
{
	struct bell b = make();
	uint32_t rung = 0;

	tp_doorbell_sleep(&b.bell);
	cr_assert_not(tp_doorbell_ring(&b.bell, -1, &rung));
	cr_assert(ring(&b, &rung));
	cr_assert_eq(heard(&b), 1);
}
