// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The tables behind nexthop.h: destinations (by address) and next hops (by port, gateway and MTU), which
// many destinations share. Everything here is under the lock but what readers read: words and entries. Workers take it
// between bursts, so the thread holds it for a few microseconds at a time, and lets them pass in between.
//
// A destination has two next hops: the one wanted, which is the kernel's answer, and the one in its word,
// which serves. They are the same unless the wanted one is still to be resolved and another can serve.
#pragma once

#include <pthread.h>
#include <semaphore.h>

#include <hash.h>
#include <memory.h>

#include "changes.h"
#include "entry.h"
#include "nexthop.h"
#include "rate.h"
#include "rtnl.h"

#define HOP_NONE 0u // not asked yet; its entry says resolving
#define HOP_LOST 1u // no way; its entry says unreachable
#define HOP_FIRST 2u
#define HOPS (NEXTHOPS_MAX + 1u)
#define HOPS_EACH 128u // looked at under one lock
#define LET_PASS 64u // yields of the thread, at most, while workers wait for the lock

#define AGAIN_A_SECOND 4000u
#define AGAIN_BURST 256u

enum destination_queued {
	QUEUED_NOT = 0,
	QUEUED_NEW = 1,
	QUEUED_AGAIN = 2,
};

struct destination {
	struct tp_ip ip;
	uint32_t refs; // 0: free
	uint32_t chained; // next of its bucket, or of the free ones
	uint32_t queue; // next in its queue
	uint32_t queue_before;
	uint16_t wanted;
	uint8_t queued; // enum destination_queued
	uint8_t zero[5];
};
_Static_assert(sizeof(struct destination) == 40, "no padding but zero");

struct hop {
	struct tp_ip gateway;
	uint32_t refs; // destinations want it, and are served by it
	uint16_t chained; // next of its bucket
	uint16_t queue; // next to be looked at by the thread, or free
	uint16_t mtu;
	uint8_t port;
	bool used : 1;
	bool queued : 1;
	bool managed : 1; // the kernel keeps it resolved
	bool ours : 1; // because we asked
	bool fixed : 1; // an administrator's
	uint32_t zero;
};
_Static_assert(sizeof(struct hop) == 32, "two to a line");

struct port {
	uint32_t ifindex;
	uint8_t mac[6];
	uint16_t mtu_max;
	uint16_t mtu; // as it is now
	bool running;
};

struct queue {
	uint32_t first; // 0: empty
	uint32_t last;
};

struct nexthops {
	// Readers'.
	uint16_t *word;
	struct entry *entry;
	_Alignas(64) uint64_t generation;

	uint32_t waiting; // workers, for the lock

	_Alignas(64) pthread_mutex_t lock;
	struct destination *destinations; // 0 is none
	uint32_t *destination_bucket;
	uint32_t destination_buckets; // a power of two
	uint32_t destinations_capacity;
	uint32_t destinations_fresh; // the first one never used
	uint32_t destinations_free;
	struct queue new;
	struct queue again;
	struct hop *hops;
	uint16_t *hop_bucket; // HOPS
	uint32_t hops_fresh;
	struct queue hops_free; // the one free longest comes first
	struct queue hops_look; // for the thread
	bool settle; // a wanted next hop came to a state since the scan began
	struct nexthops_listener listener; // its functions NULL: none
	struct port port[NEXTHOPS_PORTS_MAX];
	uint32_t ports;
	struct hash_key key;
	struct nexthops_status status;

	sem_t started; // by the thread, once: it has given up what it does not need

	// The thread's alone.
	struct rtnl rtnl;
	struct rate rate;
	struct changes changed; // since the scan began
	struct changes scanned; // what the scan looks for
	uint32_t cursor; // of the scan; 0: none is under way
	uint64_t scan_next_ms;
	uint64_t refresh_next_ms;
	uint64_t probe_next_ms;
	bool lost; // events were

	pthread_t thread;
	int bell; // eventfd: look at the queues, or stop
	bool stop; // atomic
	struct memory memory;
};

// destinations.c
uint32_t destination_find_or_make(struct nexthops *n, const struct tp_ip *ip);
void destination_free(struct nexthops *n, uint32_t d);
void destination_enqueue(struct nexthops *n, uint32_t d, enum destination_queued queue);
// The next one, or 0.
uint32_t destination_dequeue(struct nexthops *n, enum destination_queued queue);
// Takes over a reference to `hop` as what is wanted.
void destination_want(struct nexthops *n, uint32_t d, uint32_t hop);
// Takes over a reference to `hop` as what serves.
void destination_serve(struct nexthops *n, uint32_t d, uint32_t hop);
// Lets the wanted next hop serve if nothing better does.
void destination_settle(struct nexthops *n, uint32_t d);

// hops.c. Gives a reference; HOP_LOST: no room.
uint32_t hop_take(struct nexthops *n, uint8_t port, const struct tp_ip *gateway, uint16_t mtu);
void hop_give_back(struct nexthops *n, uint32_t hop);
void hop_look(struct nexthops *n, uint32_t hop);
// Whether another next hop in use has the same neighbour.
bool hop_shared(const struct nexthops *n, uint32_t hop);
void hop_remove(struct nexthops *n, uint32_t hop); // out of the hash; hop_free() has to follow
void hop_free(struct nexthops *n, uint32_t hop);
enum nexthop_state hop_state(const struct nexthops *n, uint32_t hop);
// What the kernel says about a neighbour goes into all next hops that are it.
void hop_neighbour(struct nexthops *n, uint8_t port, const struct rtnl_neighbour *neighbour);

// Shows `visit` a part of the next hops in use, under the lock: of HOPS_EACH entries from `from`. Returns
// where to go on; 0: all have been seen.
typedef void hop_visit_fn(struct nexthops *n, uint32_t hop, uint8_t port);
uint32_t hops_part(struct nexthops *n, uint32_t from, hop_visit_fn *visit, uint8_t port);
// All of them, without the lock held: takes it for each part.
void hops_walk(struct nexthops *n, hop_visit_fn *visit, uint8_t port);
hop_visit_fn hop_port_changed; // nothing, where the next hop isn't of this port

// events.c. Reads what the kernel tells; returns whether there may be more.
bool events_read(struct nexthops *n);
void events_resync(struct nexthops *n);
void events_link(struct nexthops *n, const struct rtnl_link *link);
// A part of a scan of all destinations, if one is due; returns whether it goes on.
bool events_scan(struct nexthops *n, uint64_t now);

// thread.c
void *nexthops_thread(void *context);

// nexthops.c. By the thread: takes the lock, workers first.
void nexthops_lock(struct nexthops *n);
void nexthops_ring(struct nexthops *n);
uint8_t nexthops_port_of(const struct nexthops *n, uint32_t ifindex); // NEXTHOPS_PORTS_MAX: none
