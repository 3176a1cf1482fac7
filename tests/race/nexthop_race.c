// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Next hops are read while they change: whatever a reader gets is whole, and is of the destination that it
// asked for. First one entry, written all the time; then all of it, over the loopback interface (no
// privileges): destinations come and go, next hops serve them, and the kernel's answers take their place.
// Argument: reads.
#include <net/if.h>
#include <pthread.h>
#include <sched.h>

#include <entry.h>
#include <nexthops.h>

#include "watch.h"

#define READERS 2
#define HOLDERS 2
#define DESTINATIONS 64u

struct race {
	struct entry entry;
	struct nexthops *n;
	uint64_t done;
	uint64_t total;
	uint64_t ready; // reads of one that was served
	bool stop;
};

static void wrong(const char *what)
{
	printf("nexthop_race: %s\n", what);
	exit(1);
}

// Every byte of it is the same number, which tells the MTU.
static void check(const struct nexthop *h)
{
	for (unsigned int i = 0; i < 12; i++)
		if (h->l2[i] != h->l2[0])
			wrong("a next hop of two halves");
	if (h->mtu != h->l2[0] * 257u)
		wrong("a next hop with another's MTU");
}

static void *write_entry(void *context)
{
	struct race *r = context;

	for (uint64_t k = 0; !__atomic_load_n(&r->stop, __ATOMIC_RELAXED); k++) {
		struct nexthop h = {.mtu = (uint16_t)((k & 0xff) * 257)};

		memset(h.l2, (int)(k & 0xff), sizeof(h.l2));
		entry_write(&r->entry, &h);
	}
	return NULL;
}

static void *read_entry(void *context)
{
	struct race *r = context;
	struct nexthop h;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		entry_read(&r->entry, &h);
		check(&h);
		__atomic_fetch_add(&r->done, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

// What the thread does for a destination, of which the neighbour is at once known: a MAC of its address's
// last byte.
static void serve(struct nexthops *n, uint32_t d, const struct tp_ip *gateway, uint8_t last)
{
	struct nexthop ready = {.mtu = 1500, .l2_length = 14, .state = NEXTHOP_READY};
	uint32_t hop;

	memset(ready.l2, last, 6);
	nexthops_lock(n);
	if (hop_state(n, n->word[d]) != NEXTHOP_READY &&
		hop_state(n, n->destinations[d].wanted) == NEXTHOP_RESOLVING) {
		hop = hop_take(n, 0, gateway, 1500);
		if (hop == HOP_LOST)
			wrong("no room for a next hop");
		entry_write(&n->entry[hop], &ready);
		destination_serve(n, d, hop);
	}
	pthread_mutex_unlock(&n->lock);
}

static void hold_one(struct race *r, uint64_t *state)
{
	uint64_t dice = random64(state) >> 16;
	uint8_t last = (uint8_t)(2 * (1 + dice % 100));
	struct tp_ip ip = tp_ip4(TP_BE32(0xcb007100 + last));
	uint32_t d = nexthops_take(r->n, &ip);
	struct nexthop h;

	if (!d)
		wrong("no room for a destination");
	serve(r->n, d, &ip, last);
	for (uint64_t i = 0; i < dice / 100 % 64; i++) {
		nexthops_prefetch_word(r->n, d);
		nexthops_prefetch(r->n, d);
		if (nexthops_read(r->n, d, &h) == NEXTHOP_READY) {
			for (unsigned int k = 0; k < 6; k++)
				if (h.l2[k] != last || h.l2[6 + k] != 0)
					wrong("another destination's next hop");
			__atomic_fetch_add(&r->ready, 1, __ATOMIC_RELAXED);
		} else if (h.l2_length) {
			wrong("a link-layer address without being ready");
		}
		__atomic_fetch_add(&r->done, 1, __ATOMIC_RELAXED);
	}
	nexthops_give_back(r->n, d);
}

static void *hold(void *context)
{
	static uint64_t seeds;
	uint64_t state = 88172645463325252 + __atomic_add_fetch(&seeds, 1, __ATOMIC_RELAXED);
	struct race *r = context;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED))
		hold_one(r, &state);
	return NULL;
}

static void run(struct race *r, const char *name, void *(*const work[])(void *), unsigned int n)
{
	pthread_t thread[8];

	r->done = 0;
	r->stop = false;
	for (unsigned int i = 0; i < n; i++)
		if (pthread_create(&thread[i], NULL, work[i], r))
			wrong("no thread");
	watch(name, &r->done, r->total, NULL, NULL);
	__atomic_store_n(&r->stop, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
}

int main(int argc, char **argv)
{
	struct nexthop_port port = {.ifindex = if_nametoindex("lo")};
	static struct race r;
	struct nexthops_status status;

	r.total = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	run(&r, "nexthop_race, an entry",
		(void *(*const[])(void *)){write_entry, read_entry, read_entry}, 1 + READERS);
	if (nexthops_create(&r.n, &port, 1, DESTINATIONS) != 0)
		wrong("no next hops");
	nexthops_lock(r.n);
	r.n->port[0].running = false; // the thread doesn't ask for neighbours there
	pthread_mutex_unlock(&r.n->lock);
	run(&r, "nexthop_race, all", (void *(*const[])(void *)){hold, hold}, HOLDERS);
	nexthops_status(r.n, &status);
	printf("nexthop_race: %lu asked, %lu reads were served\n", status.asked, r.ready);
	if (status.destinations || !status.asked || !r.ready)
		wrong("destinations are left, or nothing happened");
	nexthops_destroy(r.n);
	return 0;
}
