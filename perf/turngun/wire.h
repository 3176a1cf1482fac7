// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Where datagrams go and come from: a device that carries whole frames (wire_dpdk.c), or the kernel's sockets
// (wire_sockets.c). One thread uses a wire.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "options.h"

#define WIRE_BURST 32u
#define WIRE_PAYLOAD_MAX 1500u // bytes of UDP payload, whatever IP and its next hop make of them

// The way from a transport address of ours to another.
struct path {
	struct tp_endpoint local;
	struct tp_endpoint remote;
	uint8_t mac[6]; // frames: of the next hop
	int socket; // sockets: -1: to be opened
};

struct departure {
	uint8_t *data; // the UDP payload, to be written: at most WIRE_PAYLOAD_MAX bytes
	uint32_t length;
	uint64_t sum; // of its 16-bit words in memory order
	const struct path *path;
	void *buffer; // the wire's
};

struct arrival {
	const uint8_t *data;
	uint32_t length;
	bool summed; // there is a checksum, and who looks at it sees frames
	uint64_t sum; // what it says that the data sums up to, modulo 0xffff
	struct tp_endpoint source;
	struct tp_endpoint destination;
	void *buffer; // the wire's
};

struct wire_counters {
	uint64_t refused; // did not go at once
	uint64_t missed; // came, but there was no room
	uint64_t errors; // of the device or the kernel
	uint64_t malformed; // frames that are none
};

struct wire;
struct wire_ops {
	// Completes a path, of which `local`, `remote` and `socket` are set. -EAGAIN: the next hop is being
	// asked for, so receive and try again. Other errors are for good.
	int (*find)(struct wire *w, struct path *p, uint64_t now_ns);
	// Makes room for n <= WIRE_BURST departures. False: there is none now.
	bool (*prepare)(struct wire *w, struct departure *d, uint32_t n);
	// Sends, or drops, what was prepared. Returns how many, the first ones, were sent.
	uint32_t (*send)(struct wire *w, struct departure *d, uint32_t n);
	// Up to WIRE_BURST, valid until released. `more`: there may be others waiting.
	uint32_t (*receive)(struct wire *w, struct arrival *a, bool *more);
	void (*release)(struct wire *w, const struct arrival *a, uint32_t n);
	// Sends back what came. Returns how much.
	uint32_t (*reflect)(struct wire *w);
	// Since the wire was opened.
	struct wire_counters (*count)(const struct wire *w);
	void (*close)(struct wire *w);
};

struct wire {
	const struct wire_ops *ops;
	const char *driver;
	const char *dpdk; // its version; NULL: not in use
};

// What `o->wire` names. Returns 0, or a negative errno: stderr says what is to be done.
int wire_open(struct wire **out, const struct options *o);
int wire_open_dpdk(struct wire **out, const struct options *o);
int wire_open_sockets(struct wire **out, const struct options *o);
