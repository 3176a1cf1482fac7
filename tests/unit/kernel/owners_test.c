// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A relay socket between workers that are told of its allocation, or let go of it, at the same time.

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <owners.h>

#define ROUNDS 2000
#define SLOT 7u
#define INDEX 3u

static struct owners owners;
static atomic_int opened;

static const struct tp_capabilities capabilities = {
	.relays = 1, .port_min = 50000, .port_max = 50015, .allocations = 16};

// Lets the other thread run in between, as system calls do.
static int open_one(void *context)
{
	int fd;

	if (context)
		return *(const int *)context;
	sched_yield();
	fd = eventfd(0, EFD_CLOEXEC);
	sched_yield();
	atomic_fetch_add(&opened, 1);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void set_up(void)
{
	cr_assert_eq(owners_init(&owners, &capabilities), 0);
	for (unsigned int i = 0; i < 2; i++)
		owners.epoll[i] = epoll_create1(EPOLL_CLOEXEC);
}

static void tear_down(void)
{
	for (unsigned int i = 0; i < 2; i++)
		close(owners.epoll[i]);
	owners_free(&owners);
}

TestSuite(owners, .init = set_up, .fini = tear_down);

// What a worker does in each round, and what it has then.
struct thread {
	pthread_t id;
	uint32_t worker;
	bool leaves;
	int fd;
};

static pthread_barrier_t barrier;

static void *run(void *context)
{
	struct thread *t = context;

	pthread_barrier_wait(&barrier);
	if (t->leaves)
		owners_leave(&owners, INDEX, t->worker);
	else
		t->fd = owners_take(&owners, INDEX, t->worker, SLOT, open_one, NULL);
	return NULL;
}

static void run_both(struct thread *a, struct thread *b)
{
	pthread_barrier_init(&barrier, NULL, 2);
	cr_assert_eq(pthread_create(&a->id, NULL, run, a), 0);
	cr_assert_eq(pthread_create(&b->id, NULL, run, b), 0);
	pthread_join(a->id, NULL);
	pthread_join(b->id, NULL);
	pthread_barrier_destroy(&barrier);
}

Test(owners, two_workers_that_are_told_of_one_allocation_at_once_have_one_socket)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct thread a = {.worker = 0}, b = {.worker = 1};

		atomic_store(&opened, 0);
		run_both(&a, &b);
		cr_assert_eq(opened, 1, "round %u: %d sockets", i, opened);
		cr_assert_eq(a.fd, b.fd);
		owners_leave(&owners, INDEX, owners.worker[INDEX] - 1u);
		cr_assert(is_open(a.fd));
		owners_leave(&owners, INDEX, owners.worker[INDEX] - 1u);
		cr_assert_not(is_open(a.fd));
		cr_assert_eq(owners.worker[INDEX], 0);
	}
}

Test(owners, who_takes_while_the_last_other_leaves_has_a_socket_that_is_open)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct thread a = {.worker = 0, .leaves = true}, b = {.worker = 1};

		cr_assert_geq(owners_take(&owners, INDEX, 0, SLOT, open_one, NULL), 0);
		run_both(&a, &b);
		cr_assert(is_open(b.fd), "round %u", i);
		cr_assert_eq(owners.worker[INDEX], 2);
		owners_leave(&owners, INDEX, 1);
		cr_assert_not(is_open(b.fd));
	}
}

Test(owners, what_could_not_be_opened_is_nobodys)
{
	int refused = -EADDRINUSE;

	cr_assert_eq(owners_take(&owners, INDEX, 0, SLOT, open_one, &refused), -EADDRINUSE);
	cr_assert_eq(owners.worker[INDEX], 0);
	cr_assert_geq(owners_take(&owners, INDEX, 1, SLOT, open_one, NULL), 0);
	cr_assert_eq(owners.worker[INDEX], 2);
	// Another allocation has no part in it.
	cr_assert_eq(owners_take(&owners, INDEX, 0, SLOT + 1, open_one, &refused), -EADDRINUSE);
	cr_assert_eq(owners.worker[INDEX], 2);
	owners_leave(&owners, INDEX, 1);
}
