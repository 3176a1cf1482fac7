// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <sys/eventfd.h>

#include <criterion/criterion.h>

#include <turnpike/doorbell.h>

static uint64_t drain(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == (ssize_t)sizeof(n) ? n : 0;
}

Test(doorbell, a_consumer_that_is_awake_is_not_rung)
{
	struct tp_doorbell bell = {0};
	int fd = eventfd(0, EFD_NONBLOCK);
	uint32_t rung = 0;

	cr_assert_not(tp_doorbell_ring(&bell, fd, &rung));
	tp_doorbell_sleep(&bell);
	tp_doorbell_awake(&bell);
	cr_assert_not(tp_doorbell_ring(&bell, fd, &rung));
	cr_assert_eq(drain(fd), 0);
	close(fd);
}

Test(doorbell, each_sleep_is_rung_once_by_each_producer)
{
	struct tp_doorbell bell = {0};
	int fd = eventfd(0, EFD_NONBLOCK);
	uint32_t one = 0;
	uint32_t other = 0;

	for (int i = 0; i < 1000; i++) {
		tp_doorbell_sleep(&bell);
		cr_assert(tp_doorbell_ring(&bell, fd, &one));
		cr_assert_not(tp_doorbell_ring(&bell, fd, &one));
		cr_assert(tp_doorbell_ring(&bell, fd, &other));
		cr_assert_eq(drain(fd), 2);
		tp_doorbell_awake(&bell);
		tp_doorbell_awake(&bell);
	}
	close(fd);
}

// A timer woke it, it did its work and goes back to sleep: the producer must ring for this one too.
Test(doorbell, a_second_sleep_is_another_sleep_even_if_nobody_said_awake)
{
	struct tp_doorbell bell = {0};
	int fd = eventfd(0, EFD_NONBLOCK);
	uint32_t rung = 0;

	tp_doorbell_sleep(&bell);
	cr_assert(tp_doorbell_ring(&bell, fd, &rung));
	cr_assert_eq(drain(fd), 1);
	tp_doorbell_sleep(&bell);
	cr_assert(tp_doorbell_ring(&bell, fd, &rung));
	cr_assert_eq(drain(fd), 1);
	close(fd);
}

Test(doorbell, sleeps_are_rung_where_their_number_wraps)
{
	struct tp_doorbell bell = {.need = UINT32_MAX - 7};
	int fd = eventfd(0, EFD_NONBLOCK);
	uint32_t rung = 0;

	for (int i = 0; i < 16; i++) {
		tp_doorbell_sleep(&bell);
		cr_assert_eq(bell.need % 2, 1);
		cr_assert(tp_doorbell_ring(&bell, fd, &rung));
		if (i % 3) {
			tp_doorbell_awake(&bell);
			cr_assert_eq(bell.need % 2, 0);
		}
	}
	cr_assert_eq(drain(fd), 16);
	close(fd);
}

Test(doorbell, a_full_eventfd_counts_as_rung)
{
	struct tp_doorbell bell = {0};
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t full = UINT64_MAX - 1;
	uint32_t rung = 0;

	cr_assert_eq(write(fd, &full, sizeof(full)), (ssize_t)sizeof(full));
	tp_doorbell_sleep(&bell);
	cr_assert(tp_doorbell_ring(&bell, fd, &rung));
	cr_assert_not(tp_doorbell_ring(&bell, fd, &rung));
	close(fd);
}

Test(doorbell, a_ring_that_failed_is_tried_again)
{
	struct tp_doorbell bell = {0};
	int fd = eventfd(0, EFD_NONBLOCK);
	uint32_t rung = 0;

	tp_doorbell_sleep(&bell);
	cr_assert_not(tp_doorbell_ring(&bell, -1, &rung));
	cr_assert(tp_doorbell_ring(&bell, fd, &rung));
	cr_assert_eq(drain(fd), 1);
	close(fd);
}
