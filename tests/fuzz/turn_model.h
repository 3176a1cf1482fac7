// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The rules of RFC 8656 and RFC 8489's long-term credentials as plainly as they can be said, for a handful of
// clients and peers: what may be answered to a request, what is relayed. Written from the RFCs, not from the
// server. Time is in whole seconds: rounding within one is nobody's fault.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

#define MODEL_CLIENTS 6u
#define MODEL_USERS 3u
#define MODEL_PEERS 10u // transport addresses
#define MODEL_IPS 9u // and how many different addresses they have
#define MODEL_NUMBERS 4u // channel numbers that are used
#define MODEL_PORTS 8u // of each relay address
#define MODEL_PORT_MIN 50000u
#define MODEL_RESERVATIONS 16u
#define MODEL_LISTED 4u // XOR-PEER-ADDRESSes in one request, at most

// What the operator allows.
#define MODEL_SLOTS 8u // relayed addresses in all
#define MODEL_PER_USER 4u // relayed addresses and reservations
#define MODEL_PER_ADDRESS 5u
#define MODEL_PERMISSIONS 3u // of a relayed address
#define MODEL_CHANNELS 2u
#define MODEL_NONCE_S 900u

enum model_method { MODEL_ALLOCATE, MODEL_REFRESH, MODEL_PERMIT, MODEL_BIND };
enum model_credentials { MODEL_GOOD, MODEL_UNSIGNED, MODEL_WRONG_PASSWORD, MODEL_STRANGER };

// A request, as whoever builds it and whoever judges it understand it.
struct model_request {
	enum model_method method;
	unsigned int client, user;
	uint64_t id; // its transaction
	enum model_credentials credentials;
	char nonce[64]; // empty: one that is nobody's
	uint64_t nonce_s; // when it was given out
	bool unknown; // carries an attribute that must be understood and can't be
	uint8_t transport; // protocol number; 0: absent
	uint8_t family, additional; // 0: absent
	bool even, reserve, dont_fragment, has_token, has_lifetime;
	uint64_t token;
	uint32_t lifetime_s;
	unsigned int peers; // how many
	uint8_t peer[MODEL_LISTED];
	uint16_t channel; // 0: absent
	unsigned int failed; // commands that the dataplane refused while it was served
};

// The answer. Of each family [0] is IPv4's, [1] IPv6's.
struct model_answer {
	unsigned int code; // 0: success
	uint32_t lifetime_s;
	uint16_t port[2]; // relayed; 0: none
	unsigned int address_error[2]; // ADDRESS-ERROR-CODE; 0: none
	bool has_token;
	uint64_t token;
};

// A relayed address. A time that is not after now is over.
struct model_relayed {
	uint64_t until_s;
	uint16_t port;
	uint64_t permission_s[MODEL_IPS];
	struct {
		uint64_t until_s;
		unsigned int peer;
	} channel[MODEL_NUMBERS];
};

struct model_client {
	unsigned int user;
	uint64_t id; // of its Allocate
	uint32_t lifetime_s; // told then
	bool ending[2]; // its end was asked for, and nobody said yes
	struct model_relayed relayed[2];
};

struct model_reservation {
	uint64_t made_s, until_s;
	uint64_t token;
	unsigned int user, client, family;
	uint16_t port;
};

struct model {
	uint64_t now_s;
	// What is over may not have been given back by the server yet: it may be short of things.
	bool slack;
	struct model_client clients[MODEL_CLIENTS];
	struct model_reservation reservations[MODEL_RESERVATIONS];
};

// Where clients and peers are; equal addresses have equal numbers.
struct tp_endpoint model_client_at(unsigned int client);
struct tp_endpoint model_peer_at(unsigned int peer);
unsigned int model_peer_ip(unsigned int peer);
unsigned int model_peer_family(unsigned int peer); // 0 or 1
bool model_peer_denied(unsigned int peer);
uint16_t model_number(unsigned int which); // below MODEL_NUMBERS

// Checks an answer against the rules, and takes it as what happened. Returns NULL, or what is wrong with it.
const char *model_judge(
	struct model *m, const struct model_request *q, const struct model_answer *a);

// A request that there was no room to answer: only an end may come of it, and that once there is room again.
void model_unanswered(struct model *m, const struct model_request *q);
void model_caught_up(struct model *m);

// Whether a client's ChannelData on a number is relayed, and then to which peer; likewise a Send indication
// to a peer, and a peer's datagram to the client's relayed address, as ChannelData on *number or as a Data
// indication (0).
bool model_relays_channel(
	const struct model *m, unsigned int client, unsigned int which, unsigned int *peer);
bool model_relays_send(const struct model *m, unsigned int client, unsigned int peer);
bool model_relays_peer(
	const struct model *m, unsigned int client, unsigned int peer, uint16_t *number);

// Whose relayed port this is, MODEL_CLIENTS: nobody's.
unsigned int model_owner(const struct model *m, unsigned int family, uint16_t port);
// When the next thing is over, 0: nothing is left.
uint64_t model_next(const struct model *m);
