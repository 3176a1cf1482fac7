// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A worker in this process, between two rings: frames go in, frames come out. EAL without huge
// pages, NICs or privileges. Each test is a process of its own, so each has its own EAL.
#pragma once

#include <plane.h>

#include "hops.h"

#define LAB_NOW 1000000ull
#define LAB_WORKERS_MAX 4u
// For --rss-key: Microsoft's example.
#define LAB_KEY "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa"

struct lab {
	struct plane plane;
	struct worker *w; // the first worker
	uint32_t client_worker;
	uint64_t holders[16]; // of each allocation
	struct rte_ring *in[LAB_WORKERS_MAX]; // a ring for each worker's queue
	struct rte_ring *out[LAB_WORKERS_MAX];
};

extern const uint8_t lab_mac[6]; // the port's
extern const uint8_t lab_client_mac[6];
extern const uint8_t lab_peer_mac[6];

// Worker threads don't run: rounds are the test's.
// `placement`: every, owner (the rings bring relay ports to workers by their lowest bits), or rss
// (by the hash of the relay port with LAB_KEY).
void lab_start(struct lab *l, uint32_t workers, const char *placement);

// The addresses that the lab is configured with: 198.51.100.1:3478, relay ports 50000 to 50015.
struct tp_endpoint lab_server(void);
struct tp_endpoint lab_relayed(uint16_t port);
struct tp_endpoint lab_client(void);
struct tp_endpoint lab_peer(void);

// Applies a command to every worker, or under owner to the client's and the owner's; all succeed.
// Which worker a client is put on; from its next allocation on. 0 at first.
void lab_client_worker(struct lab *l, uint32_t index);
void lab_put_allocation(
	struct lab *l, uint32_t slot, const struct tp_endpoint *client, uint16_t port);
void lab_put_channel(
	struct lab *l, uint32_t slot, const struct tp_endpoint *peer, uint16_t channel);

// A UDP datagram to us, in a buffer.
struct rte_mbuf *lab_frame(struct lab *l, const struct tp_endpoint *from,
	const struct tp_endpoint *to, const void *payload, uint32_t length);
// The same in this buffer.
struct rte_mbuf *lab_frame_in(struct lab *l, struct rte_mbuf *m, const struct tp_endpoint *from,
	const struct tp_endpoint *to, const void *payload, uint32_t length);

// Sets or clears DF in an IPv4 frame, and its header checksum.
void lab_set_dont_fragment(struct rte_mbuf *m, bool dont_fragment);

// Sets an IPv4 frame's TTL.
void lab_set_ttl(struct rte_mbuf *m, uint8_t ttl);

// Puts a frame into the queue of worker `queue`.
void lab_arrive(struct lab *l, uint32_t queue, struct rte_mbuf *m);

// A round of worker `index`, with its housekeeping.
void lab_round(struct lab *l, uint32_t index);

// What came out of worker `queue`'s; NULL: nothing.
struct rte_mbuf *lab_leaves(struct lab *l, uint32_t queue);

// The counter, summed over workers.
uint64_t lab_count(const struct lab *l, enum tp_counter which);

// Exactly this datagram, with good checksums.
void lab_expect(const struct rte_mbuf *m, const uint8_t *to_mac, const struct tp_endpoint *from,
	const struct tp_endpoint *to, const void *payload, uint32_t length);
