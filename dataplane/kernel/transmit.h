// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A burst of datagrams to send, from any of the worker's sockets. Payloads stay where they were
// received; what is queued points to them, so the queue is flushed before the slots are used again.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <turnpike/ip.h>

#include <relay.h>

#include "sockname.h"
#include "usual.h"

struct worker;
struct relay_socket;

enum transmit_kind {
	TRANSMIT_PEER = 0, // a client's datagram to a peer
	TRANSMIT_HAIRPIN = 1, // the same, to a relayed address of another worker
	TRANSMIT_CLIENT = 2, // a peer's datagram to a client
	TRANSMIT_REPLY = 3, // a STUN message of the control plane
};

struct transmit_item {
	int fd;
	uint32_t counted; // application bytes
	struct relay_socket *socket; // NULL: fd is a listening socket
	struct usual *usual; // fd's
	uint32_t destination; // whose next hop it takes (raw.h); 0: by `fd`
	uint8_t kind; // enum transmit_kind
	uint8_t server; // where `socket` is NULL: the listening address
	bool dont_fragment;
	struct packet_header header;
	uint8_t parts;
	struct iovec part[3];
	struct tp_endpoint to;
};

// Of what the relay itself makes.
#define TRANSMIT_OWN ((struct packet_header){.ttl = TP_TTL_DEFAULT})

struct transmit {
	unsigned int count;
	struct transmit_item item[RELAY_BURST];
	union sockname name[RELAY_BURST];
	_Alignas(8) uint8_t control[RELAY_BURST][USUAL_CONTROL];
	// Scratch of one flush: what goes out of one socket, in order.
	struct mmsghdr message[RELAY_BURST];
	uint8_t order[RELAY_BURST];
};

// Room for the next item, which the caller fills in full. At most RELAY_BURST between flushes.
static inline struct transmit_item *transmit_next(struct transmit *t)
{
	return &t->item[t->count++];
}

// Counts a datagram that has left.
void transmit_count(struct worker *w, const struct transmit_item *item);

// The counter for a send that failed with errno `err`.
unsigned int transmit_drop(enum transmit_kind kind, int err);

// Sends one datagram at once, and counts nothing. Returns 0 or a negative errno.
int transmit_now(const struct transmit_item *item);

// Sends everything, by raw sockets what they can, the rest grouped by socket and in order within
// each. What can't be sent is counted under the reason and holds nothing else up. Returns how many
// left.
unsigned int transmit_flush(struct worker *w);
