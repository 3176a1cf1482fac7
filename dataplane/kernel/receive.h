// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A burst of datagrams from sockets, with the header fields that sockets tell: TTL or hop limit,
// and TOS or traffic class.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <relay.h>

#include "sockname.h"

#define RECEIVE_MAX 65536u // bytes of one datagram: more than UDP can carry
#define RECEIVE_FRONT 192u // free bytes before a datagram, for the headers of a frame (raw.h)
// A slot is longer by 17 lines, so that the datagrams of a burst don't meet in one set of each
// cache.
#define RECEIVE_STRIDE (RECEIVE_MAX + 17u * 64u)
_Static_assert(RECEIVE_FRONT + RECEIVE_MAX + 3u <= RECEIVE_STRIDE, "and padding");
#define RECEIVE_CONTROL 96u // three control messages of an int each

struct receive {
	struct mmsghdr message[RELAY_BURST];
	struct iovec part[RELAY_BURST];
	union sockname name[RELAY_BURST];
	_Alignas(8) uint8_t control[RELAY_BURST][RECEIVE_CONTROL];
	uint8_t *buffer; // RELAY_BURST slots, taken at the start: no stranger makes us larger
};

// What a slot holds after receive_burst().
struct datagram {
	const uint8_t *data;
	uint32_t length;
	struct tp_endpoint from;
	uint8_t ttl;
	uint8_t tos;
	bool truncated;
	bool source_valid; // `from` is an endpoint
};

int receive_init(struct receive *r);
void receive_free(struct receive *r);

// Receives into the slots from `first` on, as many as there are. Returns their number, -EAGAIN or
// another negative errno.
int receive_burst(struct receive *r, unsigned int first, int fd);

// Reads what slot `i` got. `overflow` is the socket's count of datagrams that the kernel dropped,
// as last seen; returns how many were dropped since.
uint32_t receive_slot(struct receive *r, unsigned int i, struct datagram *out, uint32_t *overflow);

// Asks a socket for the control messages that receive_slot() reads. Returns 0 or a negative errno.
int receive_options(int fd, enum tp_family family);
