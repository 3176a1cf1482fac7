// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The records that cross the rings. Compiles for BPF. Nothing here is trusted by its reader: each
// side copies a record out of the other's memory first, then checks every field it uses.
#pragma once

#include <turnpike/addr.h>

// Kinds of record, by ring:
//   commands (control to worker): TP_COMMAND, TP_SEND, in one FIFO
//   results  (worker to control): TP_RESULT
//   punts    (worker to control): TP_PUNT, TP_ARRIVAL
enum tp_record_kind {
	TP_FILLER = 0, // the rest of the ring up to its end; skipped
	TP_COMMAND = 1,
	TP_SEND = 2,
	TP_RESULT = 3,
	TP_PUNT = 4,
	TP_ARRIVAL = 5,
};

// What a command does. Puts are idempotent: they make or replace. Drops of what isn't there succeed.
enum tp_command_kind {
	// allocation, generation, expires_ms, client, server, transport, relay, relay_port, rates. With the client
	// that a TP_MOVE_ALLOCATION named: from now on that is the only one.
	TP_PUT_ALLOCATION = 1,
	// allocation. Its permissions and channels go with it.
	TP_DROP_ALLOCATION = 2,
	// allocation, generation, expires_ms, peer.ip
	TP_PUT_PERMISSION = 3,
	// allocation, peer.ip
	TP_DROP_PERMISSION = 4,
	// allocation, generation, expires_ms, peer, channel
	TP_PUT_CHANNEL = 5,
	// allocation, channel
	TP_DROP_CHANNEL = 6,
	// generation: drops every allocation, permission and channel of another generation
	TP_SWEEP = 7,
	// allocation, client, server, transport: the allocation's client is on its way there (RFC 8016
	// section 3.2.2). What comes from there is relayed as well, and told in a TP_ARRIVAL; data for the
	// client goes where it went. Another such command replaces it; one that names the client that the
	// allocation has ends it, and so does a TP_PUT_ALLOCATION of another generation.
	TP_MOVE_ALLOCATION = 8,
};

enum tp_transport {
	TP_UDP = 0,
};

// How a datagram came, opaque to the control plane, which hands it back with the answer (the
// link-layer source, an edge's connection). The dataplane checks what comes back.
struct tp_via {
	uint8_t b[16];
};

// Rates that a command may have at most.
#define TP_BITS_PER_SECOND_MAX 1000000000000ull

// Users that have an allocation, or a port reserved for one, at most: the control plane numbers them from 0.
static inline uint32_t tp_users_for(uint32_t allocations)
{
	return allocations + (allocations < 256 ? 64 : allocations / 4);
}

// Control to worker. 128 bytes. Fields that a kind does not use are 0.
struct tp_command {
	uint64_t sequence; // echoed in the result; the control plane numbers from 1
	uint64_t transaction; // commands and the send that belong together; 0: none
	uint64_t expires_ms; // CLOCK_MONOTONIC, milliseconds
	uint32_t allocation; // slot, below the published allocation capacity
	uint32_t generation; // of the control plane's attachment
	uint16_t kind; // enum tp_command_kind
	uint16_t channel;
	uint16_t relay_port;
	uint8_t relay; // index into the published relay addresses
	uint8_t server; // index into the published server addresses
	uint8_t transport; // enum tp_transport
	uint8_t zero[7];
	struct tp_endpoint client;
	struct tp_endpoint peer;
	// What an allocation may relay, in each direction; 0: no limit. And what it brings to the limit of all
	// that its user has on this worker: its share of what the user may in all.
	uint64_t bits_per_second; // of application data, at most TP_BITS_PER_SECOND_MAX
	uint64_t user_bits_per_second;
	uint32_t packets_per_second;
	uint32_t user_packets_per_second;
	uint32_t user; // below tp_users_for()
	uint32_t zero_too;
};
_Static_assert(sizeof(struct tp_command) == 128, "");
_Static_assert(__builtin_offsetof(struct tp_command, kind) == 32, "");
_Static_assert(__builtin_offsetof(struct tp_command, client) == 48, "no hidden padding");

enum tp_status {
	TP_STATUS_OK = 0,
	TP_STATUS_PORT_TAKEN = 1, // another socket on this host has the relay port
	TP_STATUS_NO_DESCRIPTORS = 2, // the process has no descriptor left for a relay socket
	TP_STATUS_NO_SPACE = 3, // a table is full
	TP_STATUS_NO_ALLOCATION = 4, // permission or channel of an allocation that isn't there
	TP_STATUS_CONFLICT = 5, // channel or peer bound differently
	TP_STATUS_INVALID = 6, // a field out of bounds
	TP_STATUS_ADDRESS = 7, // the relay address can't be bound (gone from the host)
	TP_STATUS_SKIPPED = 8, // an earlier command of its transaction failed
	TP_STATUS_COUNT
};

// Worker to control, one for each command, in order. 24 bytes.
struct tp_result {
	uint64_t sequence;
	uint64_t transaction;
	uint32_t status; // enum tp_status
	uint32_t zero;
};
_Static_assert(sizeof(struct tp_result) == 24, "");

#define TP_PUNT_MAX 1920u // bytes of datagram in a punt or a send; more is no STUN request

// Worker to control: a STUN message from a client, followed by `length` bytes. 56 bytes.
struct tp_punt {
	struct tp_endpoint client;
	struct tp_via via;
	uint8_t server; // index into the published server addresses: where it arrived
	uint8_t transport; // enum tp_transport
	uint16_t length; // at most TP_PUNT_MAX
	uint32_t zero;
	uint64_t received_ms; // CLOCK_MONOTONIC, milliseconds
};
_Static_assert(sizeof(struct tp_punt) == 56, "");
_Static_assert(__builtin_offsetof(struct tp_punt, received_ms) == 48, "no hidden padding");

// Worker to control: the client of an allocation has sent data from where it moves to. Told again, a few
// times a second, until a command says what follows from it. 32 bytes.
struct tp_arrival {
	struct tp_endpoint client;
	uint32_t allocation; // slot
	uint8_t server; // index into the published server addresses: where it arrived
	uint8_t transport; // enum tp_transport
	uint16_t zero;
};
_Static_assert(sizeof(struct tp_arrival) == 32, "no hidden padding");

// Control to worker: a STUN message to send to a client, followed by `length` bytes. 56 bytes.
// With a transaction other than 0 it is sent only if every command of that transaction, which went
// before it in the same FIFO, succeeded: so a success response never announces what isn't in force.
struct tp_send {
	struct tp_endpoint client;
	struct tp_via via;
	uint8_t server;
	uint8_t transport;
	uint16_t length;
	uint32_t zero;
	uint64_t transaction;
};
_Static_assert(sizeof(struct tp_send) == 56, "");
_Static_assert(__builtin_offsetof(struct tp_send, transaction) == 48, "no hidden padding");
