// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Next hops: the kernel's answer, over netlink, to "where does this address go". A thread of its own asks,
// listens for changes and keeps neighbours resolved; workers only read. No worker does a route lookup.
//
// Roles      Workers take and give back destinations between bursts (under a mutex, never per packet), and
//            read next hops per packet. The thread writes next hops and which one a destination has.
// Ordering   A destination's next hop is one 16-bit word, stored with release. A next hop is written in two
//            copies in turn, so that a reader never waits for a writer (entry.h).
// Changes    Whatever changes in the kernel, what a destination had goes on serving until the kernel's new
//            answer is resolved, or is that there is no way any more.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

#define NEXTHOP_L2_MAX 18u
#define NEXTHOPS_PORTS_MAX 32u
#define NEXTHOPS_MAX 65535u // next hops; what more destinations would need is unreachable
#define NEXTHOP_DESTINATIONS_MAX 0xffffffu

// As a worker uses it: a copy, taken by nexthops_read(). What state says isn't there is zero.
struct nexthop {
	uint16_t mtu; // of IP packets: the least of the port's, the interface's, the route's
	uint8_t port; // index of the dataplane's port
	uint8_t l2_length; // 14
	uint8_t l2[NEXTHOP_L2_MAX]; // destination, source; the EtherType is the user's to fill in
	uint8_t state; // enum nexthop_state
	uint8_t zero;
};
_Static_assert(sizeof(struct nexthop) == 24, "three words");

enum nexthop_state {
	NEXTHOP_FREE = 0, // never read
	NEXTHOP_RESOLVING = 1, // no link-layer address yet: packets wait or are dropped
	NEXTHOP_READY = 2,
	NEXTHOP_UNREACHABLE = 3, // no route, no neighbour, none of our ports, or port down
};

// One of the dataplane's ports, and the kernel's interface that stands for it (the exception path's), whose
// routes and neighbours are ours.
struct nexthop_port {
	uint32_t ifindex;
	uint8_t mac[6];
	uint16_t mtu; // 0: the interface's alone counts
};

struct nexthops;

// Takes all memory for so many destinations (distinct addresses of clients and peers; at most
// NEXTHOP_DESTINATIONS_MAX) and starts the thread, which inherits the caller's CPU affinity and
// capabilities (CAP_NET_ADMIN, or neighbours are not kept resolved). The ports' interfaces must exist, in
// the calling thread's network namespace. Returns 0, -EINVAL, -ENODEV (no such interface) or what the
// system refused.
int nexthops_create(struct nexthops **out, const struct nexthop_port *ports, uint32_t ports_count,
	uint32_t destinations);
// Nobody reads any more. NULL: nothing.
void nexthops_destroy(struct nexthops *n);

// A destination for this address: one for all who ask for the same, counted. The thread resolves it soon.
// Any thread. Returns its index, not 0; 0: no room.
uint32_t nexthops_take(struct nexthops *n, const struct tp_ip *ip);
void nexthops_give_back(struct nexthops *n, uint32_t destination);

// Per packet, of a destination that the caller holds, or of 0 (unreachable). Prefetch first, two steps: the
// destination's word, then the next hop.
void nexthops_prefetch_word(const struct nexthops *n, uint32_t destination);
void nexthops_prefetch(const struct nexthops *n, uint32_t destination);
// Copies the next hop of a destination. Returns its state.
enum nexthop_state nexthops_read(
	const struct nexthops *n, uint32_t destination, struct nexthop *out);

// Told of what readers read, for who keeps a copy: which next hop a destination has, by number, and what a next hop
// reads. A number becomes another next hop only when no destination has it any more, and reads as free meanwhile.
// Called by whichever thread brings the change about, and never by two at once: it must be short, and not come back
// here. Set before the first destination is taken.
struct nexthops_listener {
	void (*destination)(void *context, uint32_t destination, uint16_t hop);
	void (*hop)(void *context, uint16_t hop, const struct nexthop *now);
	void *context;
};
void nexthops_listen(struct nexthops *n, const struct nexthops_listener *listener);

// Grows whenever something changed: a worker with packets that wait looks again then.
uint64_t nexthops_generation(const struct nexthops *n);

struct nexthops_status {
	uint32_t destinations; // taken
	uint32_t hops; // in use
	uint32_t unsettled; // destinations that something older serves while the kernel resolves
	uint64_t asked; // route lookups
	uint64_t asked_again; // of these, because of a change
	uint64_t resyncs; // the kernel dropped notifications
	uint64_t refused; // neighbours that the kernel wouldn't keep resolved for us
	uint64_t full; // answers for which there was no free next hop
};
void nexthops_status(struct nexthops *n, struct nexthops_status *out);
