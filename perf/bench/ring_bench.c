// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Nanoseconds for a record through a ring (include/turnpike/ring.h): written, published, copied out, given
// back. On one CPU, in bursts, and between two threads on two CPUs, where the figure is what the slower side
// takes.
//
//   ring_bench [--json] [--rounds N] [--seconds S] [--bursts N,...]

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include <turnpike/record.h>
#include <turnpike/ring.h>

#include "figure.h"

#define SIZE (1u << 18) // bytes of a ring
#define RECORDS (1u << 20) // in a round
#define PUNT 200u // bytes of a STUN request with its punt
#define KINDS 2u

struct world {
	struct tp_position tail, head;
	struct tp_producer producer;
	struct tp_consumer consumer;
	uint32_t length, burst;
};

static const struct {
	const char *what, *across;
	uint32_t length;
} kind[KINDS] = {
	{"a command through a ring", "a command from CPU to CPU", sizeof(struct tp_command)},
	{"a punt through a ring", "a punt from CPU to CPU", PUNT},
};

static void fail(const char *what)
{
	fprintf(stderr, "ring_bench: %s\n", what);
	exit(1);
}

static void world_init(struct world *w, uint8_t *data, uint32_t length, uint32_t burst)
{
	memset(w, 0, sizeof(*w));
	w->length = length;
	w->burst = burst;
	if (tp_producer_init(&w->producer, data, SIZE, &w->tail, &w->head) < 0 ||
		tp_consumer_init(&w->consumer, data, SIZE, &w->tail, &w->head) < 0)
		fail("no ring");
}

// Writes up to `n` records. Returns how many.
static uint32_t produce(struct world *w, const uint8_t *record, uint32_t n)
{
	uint32_t done = 0;

	for (; done < n; done++) {
		void *place = tp_ring_reserve(&w->producer, TP_COMMAND, w->length);

		if (!place)
			break;
		memcpy(place, record, w->length);
	}
	tp_ring_publish(&w->producer);
	return done;
}

static uint32_t consume(struct world *w, uint32_t n)
{
	uint8_t out[512];
	uint32_t done = 0, got;

	for (; done < n; done++) {
		int length = tp_ring_next(&w->consumer, &got, out, sizeof(out));

		if (length == -EAGAIN)
			break;
		if (length != (int)w->length)
			fail("a record came out wrong");
	}
	tp_ring_release(&w->consumer);
	return done;
}

static double alone(struct world *w)
{
	uint8_t record[512] = {0};
	double start = now_ns();

	for (uint32_t k = 0; k < RECORDS; k += w->burst)
		if (produce(w, record, w->burst) != w->burst || consume(w, w->burst) != w->burst)
			fail("a record was lost");
	return (now_ns() - start) / RECORDS;
}

static bool two_cpus(void)
{
	cpu_set_t all;

	return !sched_getaffinity(0, sizeof(all), &all) && CPU_COUNT(&all) > 1;
}

static void pin(unsigned int number)
{
	cpu_set_t all, one;

	CPU_ZERO(&one);
	sched_getaffinity(0, sizeof(all), &all);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && !number--) {
			CPU_SET(cpu, &one);
			pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
		}
}

static void *consumer(void *context)
{
	struct world *w = context;

	pin(1);
	for (uint32_t k = 0, n; k < RECORDS; k += n) {
		n = consume(w, w->burst);
		if (!n)
			sched_yield();
	}
	return NULL;
}

static double across(struct world *w)
{
	uint8_t record[512] = {0};
	double start = now_ns();
	pthread_t thread;

	if (pthread_create(&thread, NULL, consumer, w))
		fail("no thread");
	for (uint32_t k = 0, n; k < RECORDS; k += n) {
		n = produce(w, record, RECORDS - k < w->burst ? RECORDS - k : w->burst);
		if (!n) // where others want the CPUs too, the consumer may have none
			sched_yield();
	}
	pthread_join(thread, NULL);
	return (now_ns() - start) / RECORDS;
}

int main(int argc, char **argv)
{
	static struct figure figure[2 * SWEEP_MAX * KINDS];
	static struct world world;
	uint8_t *data = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	bool two = two_cpus(); // before this thread keeps to one
	struct figure_options o;
	unsigned int n = 0;

	if (!figure_options_sweep(argc, argv, "ring_bench", &o, 1))
		return 2;
	if (data == MAP_FAILED)
		fail("not enough memory");
	pin(0);
	for (unsigned int i = 0; i < o.bursts_count * KINDS; i++)
		for (unsigned int side = 0; side <= two; side++)
			figure[n++] = (struct figure){
				.what = side ? kind[i % KINDS].across : kind[i % KINDS].what,
				.burst = o.bursts[i / KINDS],
				.unit = "ns/record"};
	// The first round warms up and isn't counted.
	for (unsigned int k = 0; figure_round(&o, k); k++)
		for (unsigned int i = 0; i < n && !figure_late(&o, k); i++) {
			unsigned int which = i / (1 + two) % KINDS;
			double ns;

			world_init(&world, data, kind[which].length, figure[i].burst);
			ns = figure[i].what == kind[which].what ? alone(&world) : across(&world);
			if (k)
				figure[i].value[figure[i].n++] = ns;
		}
	figures_report(figure, n, o.json);
	munmap(data, SIZE);
	return 0;
}
