// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Sending by packet sockets (CAP_NET_RAW): whole frames, given to the driver as they are, for half of what a
// UDP socket costs. The kernel's routing is asked beforehand (dataplane/nexthop/); its packet filter, its
// queueing and its policy routing by source are passed by, so a configuration has to ask for it. Receiving
// stays the sockets', ICMP errors with it.
//
// What has no next hop that is ready, does not fit, or asks for DF goes by its UDP socket as ever: so does
// what stays on this host, whose next hop is none of our interfaces.
//
// Roles      `struct raw` is the main thread's until workers run, and read by all of them; a `struct
//            raw_sender` is its worker's.
#pragma once

#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <read.h>
#include <relay.h>

struct settings;
struct tally;
struct transmit_item;
struct worker;

struct raw {
	struct nexthops *nexthops; // NULL: raw sending is off
	uint32_t ifindex[TP_INTERFACES_MAX]; // by a next hop's port
};

// Finds the interfaces and starts to follow next hops, if `settings` ask for it. Takes CAP_NET_RAW, and
// CAP_NET_ADMIN for neighbours to be kept resolved. Says on stderr what came of it. Returns 0, also where it
// can't be and UDP sockets send, or a negative errno. raw_stop() takes it down in any case, when no worker is left.
int raw_start(struct raw *raw, const struct settings *settings);
void raw_stop(struct raw *raw);

struct raw_sender {
	int fd; // -1: off
	uint16_t ip_id; // of the next IPv4 packet
	const struct raw *raw;
	struct nexthops_view hops;
	// Scratch of one flush.
	struct mmsghdr message[RELAY_BURST];
	struct iovec part[RELAY_BURST];
	struct sockaddr_ll name[RELAY_BURST];
	uint8_t order[RELAY_BURST];
};

// Takes CAP_NET_RAW. Returns 0, also where `raw` is off, or a negative errno. raw_sender_free() takes one
// that is all zero but its fd of -1, too.
int raw_sender_init(struct raw_sender *sender, const struct raw *raw);
void raw_sender_free(struct raw_sender *sender);

// Has the relay of a worker tell decisions where they go.
void raw_follow(const struct raw *raw, struct relay *relay);

// Sends what can leave as a frame, of the items in the set `left`, and counts it, sent or not. Returns the set of those
// that can't. Adds to *sent.
uint64_t raw_send(struct worker *w, uint64_t left, unsigned int *sent);
