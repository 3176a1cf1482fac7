// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A consumer that sleeps whenever there is nothing to read, and a producer that mostly hands over one
// record and waits until it is read, so that record after record meets the consumer on its way to
// sleep. No wake-up may be lost. Argument: hand-overs.
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include <turnpike/doorbell.h>

#include "watch.h"

#define SIZE 4096u
#define PRODUCER_DAWDLES 4
#define CONSUMER_DAWDLES 48

struct race {
	struct tp_position tail;
	struct tp_position head;
	struct tp_doorbell bell;
	_Alignas(TP_LINE) uint8_t data[SIZE];
	struct tp_producer p;
	_Alignas(TP_LINE) struct tp_consumer c;
	uint64_t done;
	uint64_t sleeps; // the consumer's polls
	uint64_t total;
	int ears[2]; // tp_bell_make()
};

static void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

// Both sides dawdle a little, so that publishing meets every instant of going to sleep.
static void dawdle(uint64_t *state, uint64_t most)
{
	for (uint64_t spins = random64(state) % most; spins; spins--)
		relax();
}

static void wait_until_read(struct race *r)
{
	for (unsigned int spins = 0; tp_ring_room(&r->p) != (int64_t)SIZE; spins++) {
		if (spins > 2000)
			sched_yield();
		else
			relax();
	}
}

static void *produce(void *context)
{
	struct race *r = context;
	uint64_t state = 88172645463325252;
	uint32_t rung = 0;

	for (uint64_t i = 0; i < r->total;) {
		uint64_t dice = random64(&state);
		uint64_t burst = dice % 32 ? 1 : 1 + (dice >> 8) % 20;

		dawdle(&state, PRODUCER_DAWDLES);
		for (; burst && i < r->total; burst--, i++) {
			void *b = tp_ring_reserve(&r->p, 1, sizeof(i));

			if (!b)
				break;
			memcpy(b, &i, sizeof(i));
		}
		tp_ring_publish(&r->p);
		tp_doorbell_ring(&r->bell, r->ears[1], &rung);
		wait_until_read(r);
	}
	return NULL;
}

// Returns whether there was anything.
static bool read_all(struct race *r)
{
	uint64_t expected = r->done;
	uint64_t got = 0;
	uint32_t kind;
	int length;

	while ((length = tp_ring_next(&r->c, &kind, &got, sizeof(got))) != -EAGAIN) {
		if (length != (int)sizeof(got) || got != expected++) {
			printf("doorbell_race: got %lu (%d)\n", got, length);
			exit(1);
		}
	}
	if (expected == r->done)
		return false;
	__atomic_store_n(&r->done, expected, __ATOMIC_RELAXED);
	tp_ring_release(&r->c);
	return true;
}

static void *consume(void *context)
{
	struct race *r = context;
	struct pollfd pfd = {.fd = r->ears[0], .events = POLLIN};
	uint64_t state = 0x2545f4914f6cdd1d;

	while (r->done < r->total) {
		if (read_all(r))
			continue;
		dawdle(&state, CONSUMER_DAWDLES);
		tp_doorbell_sleep(&r->bell);
		if (!tp_ring_ready(&r->c)) {
			poll(&pfd, 1, -1);
			r->sleeps++;
			if (tp_bell_silence(r->ears[0]) < 0)
				exit(1);
		}
		tp_doorbell_awake(&r->bell);
	}
	return NULL;
}

// A ring still in the socket is not lost: the machine is busy.
static int asleep(void *context)
{
	struct race *r = context;
	struct pollfd pfd = {.fd = r->ears[0], .events = POLLIN};

	return poll(&pfd, 1, 0) == 0 && __atomic_load_n(&r->bell.need, __ATOMIC_ACQUIRE) % 2 &&
	       __atomic_load_n(&r->tail.value, __ATOMIC_ACQUIRE) !=
		       __atomic_load_n(&r->head.value, __ATOMIC_ACQUIRE);
}

int main(int argc, char **argv)
{
	static struct race r;
	pthread_t thread[2];

#ifdef __SANITIZE_THREAD__
	r.total = 300000;
#else
	r.total = 4000000;
#endif
	if (argc > 1)
		r.total = strtoull(argv[1], NULL, 10);
	if (tp_bell_make(r.ears) || tp_producer_init(&r.p, r.data, SIZE, &r.tail, &r.head) ||
		tp_consumer_init(&r.c, r.data, SIZE, &r.tail, &r.head) ||
		pthread_create(&thread[0], NULL, produce, &r) ||
		pthread_create(&thread[1], NULL, consume, &r))
		return 1;
	watch("doorbell_race", &r.done, r.total, asleep, &r);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	printf("doorbell_race: slept %lu times\n", r.sleeps);
	return 0;
}
