// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The two segments. Each side creates and writes its own, as a memfd sealed against shrinking,
// growing and future writes, and maps the other's read-only: "one writer" is the MMU's rule.
//
//   dataplane's segment                        control plane's segment
//   +------------------------------+           +------------------------------+
//   | header                       |           | header                       |
//   | heartbeat                    |           | heartbeat, doorbell          |
//   | counters of its XDP program  |           | counters                     |
//   | what it is, what it can      |           |                              |
//   | worker 0: heads and tails,   |           | worker 0: heads and tails    |
//   |   doorbell, counters         |           | ...                          |
//   | ...                          |           | worker 0: commands data      |
//   | worker 0: results data,      |           | ...                          |
//   |   punts data                 |           +------------------------------+
//   | ...                          |
//   | owners of relay ports        |
//   +------------------------------+
//
// A segment lives as long as its process; its rings outlive an attachment (ring.h: both sides start
// at the other's position). Offsets are computed from the counts and sizes in the header, by the same
// function on both sides; a size that does not follow from them is refused.
#pragma once

#include <turnpike/counters.h>
#include <turnpike/doorbell.h>
#include <turnpike/ring.h>

#define TP_ABI 6u
#define TP_MAGIC_DATAPLANE 0x3165506e72755462ull // ready: stored last, with release
#define TP_MAGIC_CONTROL 0x3165436e72755462ull

#define TP_WORKERS_MAX 64u
#define TP_SERVERS_MAX 64u
#define TP_RELAYS_MAX 64u
#define TP_INTERFACES_MAX 8u
#define TP_ALLOCATIONS_MAX (1u << 22)

// Permissions and channels that are provided for with so many allocations: three each, and enough for
// a few busy clients where there are few allocations.
static inline uint32_t tp_peers_for(uint32_t allocations)
{
	return allocations < 2048 ? 6144 : allocations * 3;
}

// Written once, before the magic. 64 bytes.
struct tp_header {
	uint64_t magic;
	uint32_t abi; // TP_ABI
	uint32_t workers; // 1 to TP_WORKERS_MAX
	uint64_t size; // of the whole segment, bytes
	uint64_t epoch; // random: another epoch is another life of its writer
	uint64_t commands; // control's: bytes of each commands ring; dataplane's: 0
	uint64_t results; // dataplane's: bytes of each results ring; control's: 0
	uint64_t punts; // dataplane's: bytes of each punts ring; control's: 0
	uint32_t pid;
	uint32_t owners; // dataplane's: bytes of the map of owners, 0: none; control's: 0
};
_Static_assert(sizeof(struct tp_header) == 64, "");

// A clock that its writer's housekeeping moves on, CLOCK_MONOTONIC milliseconds, alone on a line.
struct tp_heartbeat {
	_Alignas(TP_LINE) uint64_t ms;
};

// Where relay-side entries live (design section 3).
enum tp_placement {
	TP_PLACEMENT_CLIENT =
		0, // with the client's worker: the worker brings the relay port itself
	TP_PLACEMENT_EVERY = 1, // on every worker: the dataplane can't tell who gets a relay port
	TP_PLACEMENT_OWNER = 2, // with the worker that the map of owners names for the relay port
};

// The worker of a client where placement is TP_PLACEMENT_CLIENT: a function of its address alone, so
// that it is the same after a restart of either side. turnpike-kernel's reuseport program computes
// the very same (dataplane/kernel/steer.h).
static inline uint32_t tp_client_worker(const struct tp_endpoint *client, uint32_t workers)
{
	uint32_t h = TP_BE32(client->ip.w[3]) ^ client->port;

	if (!tp_ip_is4(&client->ip))
		h ^= TP_BE32(client->ip.w[0]) ^ TP_BE32(client->ip.w[1]) ^ TP_BE32(client->ip.w[2]);
	return ((h * 0x9e3779b1u) >> 16) % workers;
}

// A relay address. Where a 1:1 NAT is in front, `public` is what clients are told.
struct tp_relay_address {
	struct tp_ip local;
	struct tp_ip public_; // same as local without NAT
};

// Where the XDP program runs on an interface.
enum tp_xdp_mode {
	TP_XDP_NONE = 0, // nowhere: sockets relay what comes there
	TP_XDP_NATIVE = 1, // in the driver
	TP_XDP_GENERIC = 2, // before the network stack
};

// What was found out about an interface before it was used with XDP. Texts are NUL-terminated.
struct tp_interface {
	char name[16];
	char driver[32]; // empty: unknown
	char why[160]; // why not at all, or not native; empty: nothing to say
	uint32_t mtu; // bytes of an IP packet
	uint16_t queues; // that it receives by; 0: unknown
	uint8_t mode; // enum tp_xdp_mode
	uint8_t virtual_; // its senders may leave checksums to it
	uint32_t headroom_seen; // frames looked at that had room for what is put in front of them
	uint32_t headroom_lacking; // frames that had not
	uint32_t partial_checksums; // UDP frames looked at whose checksum was left to the device
	uint32_t zero;
};
_Static_assert(sizeof(struct tp_interface) == 232, "no hidden padding");

// What a dataplane publishes. Written once, before the magic; only the map of owners may change later.
struct tp_capabilities {
	char name[16]; // "sockets", "xdp", "dpdk"; NUL-terminated
	uint32_t placement; // enum tp_placement
	uint32_t servers; // used entries of `server`
	uint32_t relays; // used entries of `relay`
	uint32_t allocations; // slots, at most TP_ALLOCATIONS_MAX
	uint32_t peers; // permissions and channels for all allocations of one worker
	uint16_t port_min; // relay ports
	uint16_t port_max;
	uint32_t channel_max; // TP_CHANNEL_MAX or TP_CHANNEL_MAX_5766
	uint32_t interfaces; // used entries of `interface`
	struct tp_endpoint server[TP_SERVERS_MAX];
	struct tp_relay_address relay[TP_RELAYS_MAX];
	struct tp_interface interface[TP_INTERFACES_MAX];
};

// The map of owners (TP_PLACEMENT_OWNER): one byte for each relay port of each relay address, the worker to
// which the NIC brings it. The dataplane writes all of it before its magic, and later changes bytes with
// relaxed stores. The control plane reads a byte when it puts an allocation on a worker for the first
// time: what was put stays with that worker until it is dropped, or put again after an attachment.
static inline uint32_t tp_owners_size(const struct tp_capabilities *c)
{
	return c->relays * ((uint32_t)c->port_max - c->port_min + 1);
}

// The place of a relay port in the map. The address and the port must be within the capabilities.
static inline uint32_t tp_owner_index(
	const struct tp_capabilities *c, uint32_t relay, uint16_t port)
{
	return relay * ((uint32_t)c->port_max - c->port_min + 1) + port - c->port_min;
}

// One worker's lines in the dataplane's segment.
struct tp_worker_out {
	struct tp_position commands_head; // worker: rw, control: ro
	struct tp_position results_tail; // worker: rw, control: ro
	struct tp_position punts_tail; // worker: rw, control: ro
	struct tp_doorbell bell; // worker: rw, control: ro; "wake me for commands"
	struct tp_counters counters; // worker: rw, control: ro
};

struct tp_dataplane_segment {
	struct tp_header header;
	struct tp_heartbeat heartbeat; // dataplane's main thread: rw, control: ro
	_Alignas(TP_LINE) struct tp_counters
		program; // dataplane's main thread: rw, control: ro; what no worker counted
	_Alignas(TP_LINE) struct tp_capabilities capabilities;
	_Alignas(TP_LINE) struct tp_worker_out
		worker[]; // then for each worker: results data, punts data; then the owners
};

// One worker's lines in the control plane's segment.
struct tp_worker_in {
	struct tp_position commands_tail; // control: rw, worker: ro
	struct tp_position results_head; // control: rw, worker: ro
	struct tp_position punts_head; // control: rw, worker: ro
};

struct tp_control_segment {
	struct tp_header header;
	struct tp_heartbeat heartbeat; // control: rw, workers: ro
	struct tp_doorbell bell; // control: rw, workers: ro; "wake me for results and punts"
	struct tp_counters counters; // control: rw, anyone: ro (enum tp_control_counter)
	struct tp_worker_in worker[]; // then for each worker: commands data
};

_Static_assert(sizeof(struct tp_heartbeat) == TP_LINE, "");
_Static_assert(sizeof(struct tp_capabilities) == 48 + 64 * 24 + 64 * 32 + 8 * 232, "");
_Static_assert(sizeof(struct tp_worker_out) == 4 * TP_LINE + 2048, "");
_Static_assert(sizeof(struct tp_worker_in) == 3 * TP_LINE, "");
_Static_assert(__builtin_offsetof(struct tp_dataplane_segment, program) == 128, "");
_Static_assert(__builtin_offsetof(struct tp_dataplane_segment, worker) % TP_LINE == 0, "");
_Static_assert(__builtin_offsetof(struct tp_control_segment, counters) == 192, "");
_Static_assert(__builtin_offsetof(struct tp_control_segment, worker) % TP_LINE == 0, "");

// Size of a dataplane's segment with these counts; 0 when a count or size is out of bounds.
static inline uint64_t tp_dataplane_size(const struct tp_header *h)
{
	if (!h->workers || h->workers > TP_WORKERS_MAX || !tp_ring_size_valid(h->results) ||
		!tp_ring_size_valid(h->punts) || h->owners > TP_RELAYS_MAX * 65535u)
		return 0;
	return sizeof(struct tp_dataplane_segment) +
	       h->workers * (sizeof(struct tp_worker_out) + h->results + h->punts) +
	       (h->owners + TP_LINE - 1) / TP_LINE * TP_LINE;
}

static inline uint64_t tp_control_size(const struct tp_header *h)
{
	if (!h->workers || h->workers > TP_WORKERS_MAX || !tp_ring_size_valid(h->commands))
		return 0;
	return sizeof(struct tp_control_segment) +
	       h->workers * (sizeof(struct tp_worker_in) + h->commands);
}

// Offsets of worker `w`'s ring data from the start of the segment. Multiples of TP_LINE.
static inline uint64_t tp_results_offset(const struct tp_header *h, uint32_t w)
{
	return sizeof(struct tp_dataplane_segment) + h->workers * sizeof(struct tp_worker_out) +
	       w * (h->results + h->punts);
}

static inline uint64_t tp_punts_offset(const struct tp_header *h, uint32_t w)
{
	return tp_results_offset(h, w) + h->results;
}

// Of the map of owners: behind the last worker's rings.
static inline uint64_t tp_owners_offset(const struct tp_header *h)
{
	return tp_results_offset(h, h->workers);
}

static inline uint64_t tp_commands_offset(const struct tp_header *h, uint32_t w)
{
	return sizeof(struct tp_control_segment) + h->workers * sizeof(struct tp_worker_in) +
	       w * h->commands;
}
