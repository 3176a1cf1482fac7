// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The IP header's fields that are carried over (RFC 8656 sections 13 and 14), as a socket sends them.
// Control messages say them for one datagram, and cost the kernel a tenth of what sending costs. What most
// datagrams of a socket have is therefore set on the socket, and only those that differ say so.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

// TTL or hop limit, TOS or traffic class.
struct packet_header {
	uint8_t ttl;
	uint8_t tos;
};

// Of a socket: what it sends where a datagram says nothing else.
struct usual {
	struct packet_header header; // ttl 0: not known, so that each datagram says its own
	uint8_t differed; // datagrams that said their own since it was set, up to 255
};

// So many differ before the socket is set anew: one system call for as many datagrams.
#define USUAL_PATIENCE 64u

#define USUAL_CONTROL (2 * CMSG_SPACE(sizeof(int)))

// Writes what a datagram with this header has to say to `control`, of USUAL_CONTROL bytes, aligned to 8.
// Returns its length; 0: the socket's will do.
size_t usual_control(struct usual *usual, struct packet_header header, bool is4, uint8_t *control);

static inline bool usual_is_due(const struct usual *usual)
{
	return usual->differed >= USUAL_PATIENCE;
}

// Makes `header` what the socket sends from now on. What is to leave before must have left, and nobody
// else may count on what the socket sends. A failure leaves it not known.
void usual_set(struct usual *usual, int fd, struct packet_header header, bool is4);
