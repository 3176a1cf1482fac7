// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Next hops: the kernel's answer, over netlink, to "where does this address go". A thread of its own asks,
// listens for changes and keeps neighbours resolved; workers only read. No worker does a route lookup.
//
// Roles      Workers take and give back destinations between bursts (under a mutex, never per packet), and
//            read next hops per packet. The thread writes next hops and which one a destination has.
// Ordering   A destination's next hop is one relaxed 16-bit word. A next hop is written under a sequence
//            lock of its own; it changes rarely.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

#define NEXTHOP_L2_MAX 18u
#define NEXTHOP_NONE 0u // as a next hop: not known yet, or unreachable

// As a worker uses it: a copy, taken by nexthop_read(). 32 bytes.
struct nexthop {
	uint32_t sequence; // odd while it is written
	uint16_t mtu; // of IP packets
	uint8_t port; // index of the dataplane's port
	uint8_t l2_length; // 14
	uint8_t l2[NEXTHOP_L2_MAX]; // destination, source; the EtherType is the user's to fill in
	uint8_t state; // enum nexthop_state
	uint8_t zero[5];
};
_Static_assert(sizeof(struct nexthop) == 32, "two to a line");

enum nexthop_state {
	NEXTHOP_FREE = 0,
	NEXTHOP_RESOLVING = 1, // no link-layer address yet: packets wait or are dropped
	NEXTHOP_READY = 2,
	NEXTHOP_UNREACHABLE = 3,
};

// One of the dataplane's ports, and the kernel's interface that stands for it (the exception path's), whose
// routes and neighbours are ours.
struct nexthop_port {
	uint32_t ifindex;
	uint8_t mac[6];
	uint16_t mtu;
};

struct nexthops;

// Takes all memory for so many destinations (distinct addresses of clients and peers; 24 bits) and starts
// the thread. The ports' interfaces must exist, in the calling thread's network namespace. Returns 0 or a
// negative errno.
int nexthops_create(struct nexthops **out, const struct nexthop_port *ports, uint32_t ports_count,
	uint32_t destinations);
void nexthops_destroy(struct nexthops *n);

// A destination for this address: one for all who ask for the same, counted. The thread resolves it soon.
// Any thread. Returns its index, not 0; 0: no room.
uint32_t nexthops_take(struct nexthops *n, const struct tp_ip *ip);
void nexthops_give_back(struct nexthops *n, uint32_t destination);

// What a client's own frame says about the way back: serves until the kernel's answer comes.
void nexthops_hint(struct nexthops *n, uint32_t destination, uint8_t port, const uint8_t mac[6]);

// Per packet. Prefetch first, two steps: the destination's word, then the next hop.
void nexthops_prefetch(const struct nexthops *n, uint32_t destination);
// Copies the next hop of a destination. Returns its state.
enum nexthop_state nexthops_read(
	const struct nexthops *n, uint32_t destination, struct nexthop *out);

// Grows whenever something changed: a worker with packets that wait looks again then.
uint64_t nexthops_generation(const struct nexthops *n);
