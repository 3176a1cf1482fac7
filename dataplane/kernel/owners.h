// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which worker has a relay port: what a hairpinned datagram needs to know (design section 3), and which
// workers send by its socket. By relay address and port, shared by all workers.
//
// A client that moves (RFC 8016) may come to another worker than the one that opened the relay socket. Then both
// have the allocation: the first reads the socket, the other only sends by it. Who lets go last closes it; a
// reader that lets go before (after a restart of the control plane, when the other alone was told of the
// allocation) hands the reading on.
//
// Roles      `worker`: the one that reads the port's socket writes, under a lock; all read. `socket`: under
//            the port's lock, which commands take and packets don't. Sockets are opened and closed under it: a
//            few microseconds in which only ports that share the lock wait.
// Ordering   Of `worker` relaxed. Whoever reads too old a value sends through the kernel, or drops, as it would
//            have a moment ago.
#pragma once

#include <pthread.h>

#include <turnpike/segment.h>

#define OWNERS_LOCKS 64u

struct owner_socket {
	uint64_t workers; // that have it, as a set; 0: nobody
	uint32_t allocation; // slot
	int fd;
};

struct owners {
	uint8_t *worker; // index + 1, 0: nobody; by tp_owner_index()
	struct owner_socket *socket; // likewise
	int epoll[TP_WORKERS_MAX]; // the workers' sets; written before they run
	pthread_mutex_t lock[OWNERS_LOCKS]; // a port's: its index modulo OWNERS_LOCKS
};

// Returns 0 or -ENOMEM.
int owners_init(struct owners *o, const struct tp_capabilities *capabilities);
void owners_free(struct owners *o);

// Opens a socket in its worker's epoll set. Returns its descriptor, or a negative errno.
typedef int owners_open_fn(void *context);

// The socket of this allocation: one that another worker has opened for it, or else what `open` returns, which
// `worker` reads then. Looking and opening are one step: of two workers that are told of a moving client's
// allocation at once, as in a replay, the second finds the first one's. Returns its descriptor, which `worker` has
// until owners_leave(), or what `open` failed with.
int owners_take(struct owners *o, uint32_t index, uint32_t worker, uint32_t allocation,
	owners_open_fn *open, void *context);
// Lets go of the socket.
void owners_leave(struct owners *o, uint32_t index, uint32_t worker);

// Whether no other worker has the socket. Not per packet: takes the lock.
bool owners_alone(struct owners *o, uint32_t index, uint32_t worker);

static inline bool owners_in_range(const struct tp_capabilities *c, uint8_t relay, uint16_t port)
{
	return relay < c->relays && port >= c->port_min && port <= c->port_max;
}
