// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Two threads and a ring: every record comes out once, whole and in order. Argument: records.
#include <pthread.h>
#include <sched.h>

#include <turnpike/ring.h>

#include "watch.h"

#define SIZE 16384u
#define LONGEST 1976u

struct race {
	struct tp_position tail;
	struct tp_position head;
	_Alignas(TP_LINE) uint8_t data[SIZE];
	struct tp_producer p;
	_Alignas(TP_LINE) struct tp_consumer c;
	uint64_t done;
	uint64_t total;
};

static uint32_t length_of(uint64_t serial)
{
	uint64_t h = serial * 0x9e3779b97f4a7c15;

	return (uint32_t)((h >> 20) % ((h >> 60) ? 120 : LONGEST + 1));
}

static void fill(uint8_t *out, uint64_t serial, uint32_t length)
{
	for (uint32_t i = 0; i < length; i += 8) {
		uint64_t word = (serial + i) * 0xd6e8feb86659fd93;

		memcpy(out + i, &word, length - i < 8 ? length - i : 8);
	}
}

static void *produce(void *context)
{
	struct race *r = context;
	uint64_t state = 88172645463325252;

	for (uint64_t i = 0; i < r->total; i++) {
		uint32_t length = length_of(i);
		uint8_t *b;

		while (!(b = tp_ring_reserve(&r->p, 1 + (uint32_t)(i % 4), length))) {
			tp_ring_publish(&r->p);
			sched_yield();
		}
		fill(b, i, length);
		if (random64(&state) % 4 == 0)
			tp_ring_publish(&r->p);
	}
	tp_ring_publish(&r->p);
	return NULL;
}

static void *consume(void *context)
{
	struct race *r = context;
	uint8_t out[LONGEST];
	uint8_t expected[LONGEST];

	for (uint64_t i = 0; i < r->total; i++) {
		uint32_t kind = 0;
		int length;

		while ((length = tp_ring_next(&r->c, &kind, out, sizeof(out))) == -EAGAIN) {
			tp_ring_release(&r->c);
			sched_yield();
		}
		fill(expected, i, length_of(i));
		if (length != (int)length_of(i) || kind != 1 + i % 4 ||
			memcmp(out, expected, (size_t)length) != 0) {
			printf("ring_race: record %lu came out wrong (%d)\n", i, length);
			exit(1);
		}
		if (i % 8 == 0)
			tp_ring_release(&r->c);
		__atomic_store_n(&r->done, i + 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static struct race r;
	pthread_t thread[2];

	r.total = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
	if (tp_producer_init(&r.p, r.data, SIZE, &r.tail, &r.head) ||
		tp_consumer_init(&r.c, r.data, SIZE, &r.tail, &r.head) ||
		pthread_create(&thread[0], NULL, produce, &r) ||
		pthread_create(&thread[1], NULL, consume, &r))
		return 1;
	watch("ring_race", &r.done, r.total, NULL, NULL);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	return 0;
}
