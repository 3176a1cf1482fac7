// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// One table of whole frames, for whatever relays whole frames: what comes in, in which state, and what must
// come out of it, byte for byte, or why nothing does.
#pragma once

#include <turnpike/addr.h>
#include <turnpike/counters.h>

#include "packet.h"

// An allocation, and what its client has asked for.
struct case_allocation {
	const char *client;
	uint16_t client_port;
	uint8_t server; // index of state.server
	uint8_t relay; // index of state.relay
	uint16_t relay_port;
};

// With a channel its permission is put too.
struct case_peer {
	uint8_t allocation;
	const char *ip;
	uint16_t port;
	uint16_t channel; // 0: a permission alone
};

struct case_state {
	const char *server[4]; // all on port 3478
	const char *relay[4]; // relay addresses
	const char *public_[4]; // what clients know them by; NULL: the same
	const struct case_allocation *allocation;
	uint32_t allocations;
	const struct case_peer *peer;
	uint32_t peers;
};

// How the next hop is, whichever it is.
struct case_next_hop {
	uint16_t mtu; // 0: 1500
	uint16_t vlan; // 0: none
	uint16_t ip_id; // of what may be fragmented
	uint32_t flow_label;
};
extern const uint8_t next_hop_l2[12]; // destination, source

enum case_outcome {
	OUTCOME_SENT, // the frame `out`
	OUTCOME_DROPPED, // under `drop`; `out` is the ICMP error that goes back, if it has a source
	OUTCOME_TO_FRAGMENT, // `out`, which the dataplane then fragments
	OUTCOME_PUNTED, // to the control plane
	OUTCOME_KERNEL, // the host's, as it came
	OUTCOME_REASSEMBLE, // a fragment
	OUTCOME_MALFORMED,
	OUTCOME_PASSED, // to the sockets, as it came: a result alone, of what relays plain frames
};

struct frame_case {
	const char *name; // the rule, as a sentence
	const struct case_state *state; // NULL: `plain_state`
	struct case_next_hop next_hop;
	struct packet_spec in;
	enum case_outcome outcome;
	enum tp_counter drop;
	struct packet_spec out; // `l2` is next_hop_l2 where it is not an ICMP error
	// What relays plain frames alone may pass it up (case_passes() says what else it may).
	bool passes;
};

struct frame_cases {
	const struct frame_case *first;
	uint32_t count;
};

// An address of a state as the contract writes it.
struct tp_endpoint case_endpoint(const char *ip, uint16_t port);

extern const struct case_state plain_state;
extern const struct frame_cases cases_channel, cases_indication, cases_header, cases_too_big,
	cases_checksum, cases_unusual, cases_icmp, cases_hairpin;

#define CASES_FILES 8u
extern const struct frame_cases *const cases_all[CASES_FILES];

// What came of a frame.
struct case_result {
	enum case_outcome outcome;
	enum tp_counter drop; // OUTCOME_DROPPED
	uint32_t length; // of what was sent, 0: nothing
	uint8_t frame[PACKET_MAX];
};

// What runs the table: one frame in a fresh state. `in` is of exactly `length` bytes.
typedef void case_runner(struct case_result *out, const struct case_state *state,
	const struct case_next_hop *next_hop, const uint8_t *in, uint32_t length);

// Whether a relay of plain frames, which hands the rest to sockets, may pass this one up: what is marked so, what
// has tags, options or extension headers, what is ICMP or is answered by it, and what isn't sent or dropped.
bool case_passes(const struct frame_case *c);

// Whether it is what the case says; what isn't is said on standard output. A Data indication's random transaction ID
// in `got` is lost on the way.
bool case_holds(const struct frame_case *c, struct case_result *got);

// Runs every case. Says on standard output what failed, and returns how many did.
unsigned int cases_run(case_runner *run);
