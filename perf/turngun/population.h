// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Who talks to whom: clients with their allocations, peers, flows between them, and the two streams of a flow.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "track.h"
#include "wire.h"

#define NONCE_MAX 128u // RFC 8489 section 14.10: fewer than 128 characters
#define FRONT_MAX 48u // a Send indication's, to a peer of IPv6

enum form {
	FORM_CHANNEL,
	FORM_INDICATION,
};

enum way {
	WAY_TO_PEER,
	WAY_TO_CLIENT,
	WAY_HAIRPIN,
	WAYS,
};

struct client {
	struct path path; // to the server
	struct tp_endpoint relayed; // port 0: no allocation
	uint8_t nonce_length;
	char nonce[NONCE_MAX];
};

struct flow {
	uint32_t client;
	uint32_t peer; // of a hairpin: the other client
	uint16_t channel;
	uint8_t form; // enum form
	bool hairpin;
	bool bound;
};

// One way of a flow, as it is sent.
struct stream {
	struct path path;
	uint32_t flow;
	uint32_t sequence; // of the next packet
	uint8_t way; // enum way
	uint8_t form;
	uint8_t front_length; // before the application data
	uint8_t front[FRONT_MAX]; // but for lengths and transaction ID
};

// How it is to arrive.
struct expected {
	struct tp_endpoint source;
	struct tp_endpoint destination;
	struct tp_endpoint peer; // of a Data indication
	uint16_t channel;
};

struct population {
	const struct options *options;
	uint32_t clients, flows, streams;
	struct client *client;
	struct flow *flow;
	int *peer_socket;
	// Made by population_make_streams():
	struct stream *stream;
	struct expected *expected;
	struct track *track;
};

// Clients, and flows between them and the peers: who is to be allocated and bound. Returns 0 or -ENOMEM.
int population_make(struct population *p, const struct options *o);
void population_free(struct population *p);
// As if a server had answered, for a load without a relay.
void population_pretend(struct population *p);
// To whom a flow goes: a peer, or another client's relayed address.
struct tp_endpoint flow_peer(const struct population *p, const struct flow *f);
// The streams of the flows that are bound, and their ways. Returns 0, -ENOMEM, or the wire's error.
int population_make_streams(struct population *p, struct wire *w);
