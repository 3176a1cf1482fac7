// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "nexthops.h"
#include "read.h"

// Hands out `count` items of `size` bytes from an offset, on a line's boundary.
static uint64_t carve(uint64_t *end, uint64_t count, uint64_t size)
{
	uint64_t at = (*end + 63) & ~63ull;

	*end = at + count * size;
	return at;
}

static int take_memory(struct nexthops **out, uint32_t destinations)
{
	uint64_t end = sizeof(struct nexthops);
	uint64_t words = carve(&end, destinations + 1ull, sizeof(uint16_t));
	uint64_t entries = carve(&end, HOPS, sizeof(struct entry));
	uint64_t records = carve(&end, destinations + 1ull, sizeof(struct destination));
	uint64_t hops = carve(&end, HOPS, sizeof(struct hop));
	uint64_t hop_bucket = carve(&end, HOPS, sizeof(uint16_t));
	uint32_t buckets = 1;
	struct memory memory;
	struct nexthops *n;
	uint64_t at;
	int err;

	while (buckets < destinations)
		buckets *= 2;
	at = carve(&end, buckets, sizeof(uint32_t));
	err = memory_take(&memory, end);
	if (err < 0)
		return err;
	n = (struct nexthops *)memory.base;
	n->memory = memory;
	n->word = (uint16_t *)(memory.base + words);
	n->entry = (struct entry *)(memory.base + entries);
	n->destinations = (struct destination *)(memory.base + records);
	n->hops = (struct hop *)(memory.base + hops);
	n->hop_bucket = (uint16_t *)(memory.base + hop_bucket);
	n->destination_bucket = (uint32_t *)(memory.base + at);
	n->destination_buckets = buckets;
	n->destinations_capacity = destinations;
	n->destinations_fresh = 1;
	n->hops_fresh = HOP_FIRST;
	*out = n;
	return 0;
}

static int open_ports(struct nexthops *n, const struct nexthop_port *ports, uint32_t count)
{
	struct rtnl_link link;
	int err;

	// Listening first: what changes meanwhile is told.
	n->ports = count;
	for (uint32_t i = 0; i < count; i++) {
		struct port *p = &n->port[i];

		p->ifindex = ports[i].ifindex;
		p->mtu_max = ports[i].mtu ? ports[i].mtu : UINT16_MAX;
		memcpy(p->mac, ports[i].mac, 6);
		err = rtnl_get_link(&n->rtnl, p->ifindex, &link);
		if (err < 0)
			return err;
		events_link(n, &link);
	}
	n->changed = (struct changes){.count = 0}; // nothing has been asked yet
	return 0;
}

static int start_thread(struct nexthops *n)
{
	sigset_t all, before;
	int err;

	// Signals are the caller's business.
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&n->thread, NULL, nexthops_thread, n);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	pthread_setname_np(n->thread, "nexthops");
	while (sem_wait(&n->started) < 0)
		;
	return 0;
}

static void give_memory(struct nexthops *n)
{
	struct memory memory = n->memory;

	rtnl_close(&n->rtnl);
	if (n->bell >= 0)
		close(n->bell);
	pthread_mutex_destroy(&n->lock);
	sem_destroy(&n->started);
	memory_give(&memory);
}

// Whoever waits for a short hold spins: it is over sooner than a sleep.
static void make_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

int nexthops_create(struct nexthops **out, const struct nexthop_port *ports, uint32_t ports_count,
	uint32_t destinations)
{
	const struct nexthop resolving = {.state = NEXTHOP_RESOLVING};
	const struct nexthop lost = {.state = NEXTHOP_UNREACHABLE};
	uint64_t secret[2];
	struct nexthops *n;
	int err;

	if (!ports_count || ports_count > NEXTHOPS_PORTS_MAX || !destinations ||
		destinations > NEXTHOP_DESTINATIONS_MAX)
		return -EINVAL;
	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		return -EIO;
	err = take_memory(&n, destinations);
	if (err < 0)
		return err;
	make_lock(&n->lock);
	sem_init(&n->started, 0, 0);
	hash_key_init(&n->key, secret, 2);
	entry_write(&n->entry[HOP_NONE], &resolving);
	entry_write(&n->entry[HOP_LOST], &lost);
	n->word[0] = HOP_LOST;
	n->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = n->bell < 0 ? -errno : rtnl_open(&n->rtnl);
	if (err == 0)
		err = open_ports(n, ports, ports_count);
	if (err == 0)
		err = start_thread(n);
	if (err < 0) {
		give_memory(n);
		return err;
	}
	*out = n;
	return 0;
}

void nexthops_destroy(struct nexthops *n)
{
	if (!n)
		return;
	__atomic_store_n(&n->stop, true, __ATOMIC_RELEASE);
	nexthops_ring(n);
	pthread_join(n->thread, NULL);
	give_memory(n);
}

void nexthops_ring(struct nexthops *n)
{
	// Fails only where it rings already.
	eventfd_write(n->bell, 1);
}

uint8_t nexthops_port_of(const struct nexthops *n, uint32_t ifindex)
{
	for (uint8_t i = 0; i < n->ports; i++)
		if (n->port[i].ifindex == ifindex)
			return i;
	return NEXTHOPS_PORTS_MAX;
}

// By workers: the thread lets go for whoever has announced itself.
static void lock_first(struct nexthops *n)
{
	__atomic_fetch_add(&n->waiting, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&n->lock);
	__atomic_fetch_sub(&n->waiting, 1, __ATOMIC_RELAXED);
}

void nexthops_lock(struct nexthops *n)
{
	for (unsigned int i = 0; i < LET_PASS && __atomic_load_n(&n->waiting, __ATOMIC_RELAXED);
		i++)
		sched_yield();
	pthread_mutex_lock(&n->lock);
}

uint32_t nexthops_take(struct nexthops *n, const struct tp_ip *ip)
{
	bool ring;
	uint32_t d;

	lock_first(n);
	ring = !n->new.first;
	d = destination_find_or_make(n, ip);
	ring = ring && n->new.first;
	pthread_mutex_unlock(&n->lock);
	if (ring)
		nexthops_ring(n);
	return d;
}

void nexthops_give_back(struct nexthops *n, uint32_t d)
{
	bool ring;

	lock_first(n);
	ring = !n->hops_look.first;
	if (--n->destinations[d].refs == 0)
		destination_free(n, d);
	ring = ring && n->hops_look.first;
	pthread_mutex_unlock(&n->lock);
	if (ring)
		nexthops_ring(n);
}

struct nexthops_view nexthops_view(const struct nexthops *n)
{
	return (struct nexthops_view){.word = n->word, .entry = n->entry};
}

void nexthops_prefetch_word(const struct nexthops *n, uint32_t destination)
{
	const struct nexthops_view v = nexthops_view(n);

	nexthops_view_prefetch_word(&v, destination);
}

void nexthops_prefetch(const struct nexthops *n, uint32_t destination)
{
	const struct nexthops_view v = nexthops_view(n);

	nexthops_view_prefetch(&v, destination);
}

enum nexthop_state nexthops_read(
	const struct nexthops *n, uint32_t destination, struct nexthop *out)
{
	const struct nexthops_view v = nexthops_view(n);

	return nexthops_view_read(&v, destination, out);
}

void nexthops_listen(struct nexthops *n, const struct nexthops_listener *listener)
{
	pthread_mutex_lock(&n->lock);
	n->listener = *listener;
	pthread_mutex_unlock(&n->lock);
}

uint64_t nexthops_generation(const struct nexthops *n)
{
	return __atomic_load_n(&n->generation, __ATOMIC_ACQUIRE);
}

void nexthops_status(struct nexthops *n, struct nexthops_status *out)
{
	pthread_mutex_lock(&n->lock);
	*out = n->status;
	pthread_mutex_unlock(&n->lock);
}
