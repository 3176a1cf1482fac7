// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What becomes of a payload: one worker's tables, and the decision for bursts of datagrams in both
// directions. No I/O, no clock, no allocation after relay_create(): turnpike-kernel and turnpike-dpdk
// call the same code. Not thread-safe: a worker owns its tables, commands are applied between bursts.
//
// Time is a parameter: `now` is CLOCK_MONOTONIC in milliseconds, read once per burst by the caller.
#pragma once

#include <stddef.h>

#include <turnpike/counters.h>
#include <turnpike/segment.h>
#include <turnpike/wire.h>

#define RELAY_BURST 64u // datagrams in one call, at most

// ChannelData is sent with 4 bytes in front; a Data indication with at most 20 (header) + 24
// (XOR-PEER-ADDRESS of IPv6) + 4 (DATA) = 48 in front, and up to 3 bytes of padding behind.
#define RELAY_FRONT_MAX 48u

struct relay;

struct relay_config {
	struct tp_capabilities capabilities; // copied: addresses, ports, capacities, channel range
	uint64_t secret[2]; // keys the hash of what strangers choose
};

// A datagram's UDP payload from a client.
struct relay_from_client {
	const uint8_t *data; // readable for `length` bytes
	uint32_t length;
	uint8_t server; // index of the server address where it arrived
	uint8_t transport; // enum tp_transport
	struct tp_endpoint client;
};

// A datagram's UDP payload from a peer, on a relay port.
struct relay_from_peer {
	const uint8_t *data; // never read, only its length counts
	uint32_t length;
	uint8_t relay; // index of the relay address where it arrived
	uint16_t port; // relay port, host byte order
	struct tp_endpoint peer; // a hairpinned peer in its public form
};

enum relay_verdict {
	// Under `drop`. The caller counts.
	RELAY_DROP = 0,
	// Send data[offset, offset + length) from relay:port to `to`.
	RELAY_PEER = 1,
	// As RELAY_PEER, but `to` is our own relay address `target`, port `to.port`: deliver there as
	// peer data if a live allocation has it. `to.ip` is as the client wrote it, public or local.
	RELAY_HAIRPIN = 2,
	// Send front[0, front_length), data[0, length), `padding` zero bytes to `to` from `server`.
	RELAY_CLIENT = 3,
	// A STUN message for the control plane.
	RELAY_PUNT = 4,
};

// Only the fields that the verdict names are written.
struct relay_decision {
	uint8_t verdict; // enum relay_verdict
	uint8_t drop; // RELAY_DROP: enum tp_counter
	uint8_t relay; // RELAY_PEER, RELAY_HAIRPIN: relay address to send from
	uint8_t server; // RELAY_CLIENT: server address to send from
	uint8_t target; // RELAY_HAIRPIN: relay address of the destination
	uint8_t transport; // RELAY_CLIENT: enum tp_transport
	uint8_t dont_fragment; // RELAY_PEER, RELAY_HAIRPIN: a Send indication carried DONT-FRAGMENT
	uint8_t padding; // RELAY_CLIENT: zero bytes behind the data (Data indications: 0 to 3)
	// RELAY_PUNT: the client has a live allocation (0: a stranger, who gets only a share of the
	// punt ring).
	uint8_t known;
	uint16_t port; // RELAY_PEER, RELAY_HAIRPIN: relay port to send from
	uint16_t front_length; // RELAY_CLIENT: bytes of `front`: 4, 36 or 48
	// RELAY_PEER, RELAY_HAIRPIN, RELAY_CLIENT:
	uint32_t offset; // where the application's data begins in the datagram
	uint32_t length; // of the application's data
	uint32_t allocation; // slot
	uint32_t destination; // RELAY_PEER, RELAY_CLIENT: of `to`, as taken; 0: none was
	struct tp_endpoint to; // peer or client
	uint8_t front[RELAY_FRONT_MAX];
};

// Takes all the memory that the capabilities ask for (huge pages where they are to be had).
// Returns 0 or a negative errno; *out is the caller's until relay_destroy(), which takes NULL.
int relay_create(struct relay **out, const struct relay_config *config);
void relay_destroy(struct relay *relay);

// Applies a command to the tables. Every field that its kind uses is checked; any status but
// TP_STATUS_OK leaves the tables as they were, but for what another generation had in the way. For
// TP_PUT_ALLOCATION the caller has bound the relay port already; TP_STATUS_PORT_TAKEN: another slot of
// this generation has it, TP_STATUS_CONFLICT: another slot of this generation has the client; one of
// another generation is dropped. With the client that a TP_MOVE_ALLOCATION named, the move is over. An
// allocation that is put again with the same client and relay port keeps its permissions and channels.
// TP_SWEEP reads every entry once: about 4 ms for 1,000,000 allocations, and half a
// microsecond more for each allocation that it drops; who has packets waiting calls relay_sweep().
enum tp_status relay_apply(struct relay *relay, const struct tp_command *command, uint64_t now);

// A part of a TP_SWEEP: looks at `look` entries from position `from` (0: the first), and stops after
// `drop` drops. Returns the position to go on from, 0 when all have been looked at. No command may be
// applied in between.
uint32_t relay_sweep(
	struct relay *relay, uint32_t generation, uint32_t from, uint32_t look, uint32_t drop);

// Visits the relay port of every allocation that relay_apply() drops (TP_DROP_ALLOCATION, TP_SWEEP, or
// TP_PUT_ALLOCATION for a slot that had another relay port or where another generation's is), before
// it goes, so that the caller can close its socket. Set once, after relay_create(); NULL: none.
typedef void relay_dropped_fn(void *context, uint32_t allocation, uint8_t relay, uint16_t port);
void relay_on_dropped(struct relay *relay, relay_dropped_fn *fn, void *context);

// Drops the allocation of this slot if it is of another generation. Returns whether it did.
bool relay_displace(struct relay *relay, uint32_t slot, uint32_t generation);

// Ends the move of an allocation's client, if there is one: it stays where it is.
void relay_stay(struct relay *relay, uint32_t slot);

// Where the caller keeps something for each address that packets go to (next hops), it gives the relay an
// index for the client of each allocation, and for the peer of each permission and channel unless that is
// one of our own addresses; decisions carry it. Asked when an entry is made, given back, as often as it
// was taken, when the entry goes (but not by relay_destroy(), which tells nobody). Set once, after
// relay_create(), before any command; NULL, both: none, and decisions carry 0.
// `take` returns 1 to RELAY_DESTINATION_MAX; 0: no more, and the command fails with TP_STATUS_NO_SPACE.
#define RELAY_DESTINATION_MAX 0xffffffu
typedef uint32_t relay_take_fn(void *context, const struct tp_ip *ip);
typedef void relay_give_back_fn(void *context, uint32_t destination);
void relay_on_destinations(
	struct relay *relay, relay_take_fn *take, relay_give_back_fn *give_back, void *context);

// Decides for `n` <= RELAY_BURST datagrams from clients (RFC 8656 sections 11.2, 12.6). Counts nothing
// but the entries' own traffic.
void relay_decide_clients(struct relay *relay, const struct relay_from_client *in,
	struct relay_decision *out, unsigned int n, uint64_t now);

// Decides for `n` <= RELAY_BURST datagrams from peers (RFC 8656 sections 11.3, 12.7): ChannelData where
// a channel is bound to the peer, else a Data indication; never without a live permission. What would
// not fit into a UDP datagram (65507 bytes of payload over IPv4, 65527 over IPv6) is peer_too_large.
void relay_decide_peers(struct relay *relay, const struct relay_from_peer *in,
	struct relay_decision *out, unsigned int n, uint64_t now);

// An ICMP error about a datagram that relay:port sent to `peer` (RFC 8656 section 11.5): a Data
// indication with XOR-PEER-ADDRESS and ICMP, and no DATA, complete in `front`... `type`, `code` and
// `data` as in the ICMP or ICMPv6 header. Writes at most RELAY_ICMP_MAX bytes to `out_message`.
// out->verdict is RELAY_CLIENT (length 0, front_length 0; the message is in out_message, its length
// returned) or RELAY_DROP.
#define RELAY_ICMP_MAX 56u
struct relay_icmp {
	uint8_t relay;
	uint16_t port;
	struct tp_endpoint peer; // the embedded datagram's destination
	uint8_t type;
	uint8_t code;
	uint32_t data; // next-hop MTU where type and code have one, else ignored
};
uint32_t relay_decide_icmp(struct relay *relay, const struct relay_icmp *in,
	struct relay_decision *out, uint8_t out_message[RELAY_ICMP_MAX], uint64_t now);

// The next client that has sent data from where it moves to (RFC 8016 section 3.2.2), as its TP_MOVE_ALLOCATION
// said; once in a tick for each at most. False: there is none.
bool relay_arrival(struct relay *relay, struct tp_arrival *out);

// What an allocation has relayed in its life, application bytes. All zero when there is none.
struct relay_traffic {
	uint64_t to_peer_packets;
	uint64_t to_peer_bytes;
	uint64_t to_client_packets;
	uint64_t to_client_bytes;
};
void relay_traffic(const struct relay *relay, uint32_t allocation, struct relay_traffic *out);

// What one worker holds, for status and tests.
struct relay_usage {
	uint32_t allocations;
	uint32_t permissions;
	uint32_t channels;
	uint32_t peers_capacity;
	uint64_t memory; // bytes taken at start
};
void relay_usage(const struct relay *relay, struct relay_usage *out);
