// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// What the XDP program and its loader share: the configuration, the maps' keys and values, what is counted.
// Compiles for both. The program only reads, but for its counters; the loader (turnpike-kernel) writes.
//
//   config    constants, set between opening and loading the object; nothing changes them later
//   clients   array   a table of xdp_client          client to peer (line.h)
//   ports     array   xdp_port_index() -> xdp_port   peer to client, by relay address and port
//   peers     array   a table of xdp_peer            permissions, and the peers of channels (line.h)
//   destinations  array  32 destinations a line      which next hop each has
//   hops      array   number -> xdp_hop              next hops, which destinations share
//   devices   devmap  config.ifindex's index -> interface
//   cpus      per-CPU array of one xdp_cpu           counters
//
// Roles      Entries have one writer at a time, under the lock of the mirror (dataplane/kernel/xdp/mirror.h),
//            destinations and hops under that of nexthop/. The program runs on every CPU and reads.
// Ordering   Everything is written through mmap(): xdp_port_write(), xdp_hop_write(), and tables as line.h says.
// Promise    `until` says how long all of what an entry says holds. What arrives later passes up to the
//            sockets, whose tables decide and count: the program never drops because a promise is over. So a
//            refresh that has not reached an entry yet costs speed and no packet. What has no entry at all is
//            dropped, under the same name as in the sockets' tables: so entries are in place before the
//            response leaves. A relay port alone passes up without one: it may be any program's of the host.
#pragma once

#include <turnpike/addr.h>
#include <turnpike/counters.h>
#include <turnpike/header.h>

#include "line.h"

// The clock of entries: CLOCK_MONOTONIC in units of 2^27 ns, about 134 ms; good for 18 years of uptime. The
// program reads the coarse clock, once a jiffy. Both conversions round down: an entry may end a tick early, and late
// only by the few milliseconds that a coarse clock is behind.
#define XDP_TICK_SHIFT 27

static inline uint32_t xdp_tick(uint64_t ns)
{
	return (uint32_t)(ns >> XDP_TICK_SHIFT);
}

// `ms`: as commands have it.
static inline uint32_t xdp_until(uint64_t ms)
{
	uint64_t tick = ms < UINT64_MAX / 1000000 ? ms * 1000000 >> XDP_TICK_SHIFT : UINT32_MAX;

	return tick > UINT32_MAX ? UINT32_MAX : (uint32_t)tick;
}

#define XDP_SERVERS_MAX 64u // as TP_SERVERS_MAX, TP_RELAYS_MAX
#define XDP_RELAYS_MAX 64u
#define XDP_DEVICES_MAX 32u

// One of our addresses as packets name it.
struct xdp_address {
	struct tp_ip ip;
	uint16_t port; // a server's; a relay's: 0, it has the whole range
	uint8_t index; // into config.server or config.relay
	uint8_t next; // of those in the same slot: index into config.address, and 1; 0: none
	uint32_t zero;
};
_Static_assert(sizeof(struct xdp_address) == 24, "");
#define XDP_ADDRESSES_MAX (XDP_SERVERS_MAX + XDP_RELAYS_MAX)
#define XDP_SLOTS 256u
#define XDP_CHAIN_MAX 8u // addresses in one slot; what is behind passes up

// The loader writes it into the object's constants before loading, from the capabilities that it publishes, and
// calls xdp_config_index() when all else is in it.
struct xdp_config {
	struct tp_endpoint server[XDP_SERVERS_MAX];
	struct tp_ip relay[XDP_RELAYS_MAX]; // the local form, as it stands in packets
	struct tp_ip relay_public[XDP_RELAYS_MAX]; // as clients know them; the same without NAT
	uint32_t ifindex[XDP_DEVICES_MAX]; // the interfaces the program is attached to
	uint32_t servers; // used entries
	uint32_t relays;
	uint32_t devices;
	uint32_t channel_max;
	uint32_t port_min; // relay ports
	uint32_t port_max;
	uint32_t destinations; // addresses that packets go to, and none
	uint32_t partial; // 1: senders may be virtual, and leave UDP checksums to a device
	uint32_t redirect; // bit i: XDP_TX does not do on ifindex[i]: frames are redirected there
	uint32_t
		client_homes; // of `clients`: 2 * (2 * capabilities.allocations + capabilities.peers)
	uint32_t peer_homes; // of `peers`: 2 * capabilities.peers
	struct xdp_hash hash;
	// The rest is xdp_config_index()'s.
	struct xdp_address address[XDP_ADDRESSES_MAX];
	uint8_t slot[XDP_SLOTS]; // first address, and 1; 0: none
};
_Static_assert(sizeof(struct xdp_config) == 64 * 24 + 2 * 64 * 16 + 32 * 4 + 96 + 128 * 24 + 256,
	"no padding");

// Of the map `ports`, which has config.relays * (port_max - port_min + 1) entries.
static inline uint32_t xdp_port_index(
	const volatile struct xdp_config *c, uint32_t relay, uint32_t port)
{
	return relay * (c->port_max - c->port_min + 1) + port - c->port_min;
}

// A relay port. All zero: no allocation, and not ours.
//   write    before the client entry of the allocation; again with each refresh, and when `peer` changes
//   clear    when the allocation goes, after its client entries
// `peer` is one of the allocation's channels, whichever the loader finds best (the first, the one heard
// last), but none to a relay address of ours, whose packets don't come by the wire: its packets need no other
// lookup. The others, and permissions, are in `peers`; a channel that is here is there too.
struct xdp_port {
	uint32_t sequence; // odd: being written. The program passes up what arrives then.
	uint32_t allocation; // slot + 1; 0: none
	uint32_t until; // of the allocation
	uint32_t destination; // the client's; 0: pass up
	struct tp_ip client;
	uint16_t client_port;
	uint8_t server; // index into config.server
	uint8_t zero;
	uint32_t sum; // xdp_sum(server, client)
	struct {
		struct tp_ip ip;
		uint16_t port;
		uint16_t channel; // 0: none is here
		uint32_t until; // as in xdp_peer
	} peer;
};
_Static_assert(sizeof(struct xdp_port) == 64, "one line, for both families");
_Static_assert(__builtin_offsetof(struct xdp_port, peer) == 40, "no hidden padding");

// Which next hops destinations have, numbers of dataplane/nexthop/; 0: none. Small, since with many flows each line
// of memory that a packet needs is far away, while next hops are few and near.
#define XDP_DESTINATIONS_EACH 32u
struct xdp_destinations {
	uint16_t hop[XDP_DESTINATIONS_EACH];
};
_Static_assert(sizeof(struct xdp_destinations) == 64, "a line");
#define XDP_HOPS 65536u // as many as there are numbers

static inline uint32_t xdp_destinations_lines(uint32_t destinations)
{
	return (destinations + XDP_DESTINATIONS_EACH - 1) / XDP_DESTINATIONS_EACH;
}

// How packets leave: two words, each of which is stored whole. A number becomes another next hop only when no
// destination has it any more.
struct xdp_hop {
	// The neighbour's link-layer address in the low 48 bits, its first byte lowest; above it the MTU
	// of IP packets. MTU 0: unknown, pass up.
	uint64_t to;
	// Our own address on the interface; above it the interface, as index into config.ifindex.
	uint64_t from;
};
_Static_assert(sizeof(struct xdp_hop) == 16, "four to a line");

static inline uint64_t xdp_hop_word(const uint8_t mac[6], uint16_t above)
{
	return (uint64_t)mac[0] | (uint64_t)mac[1] << 8 | (uint64_t)mac[2] << 16 |
	       (uint64_t)mac[3] << 24 | (uint64_t)mac[4] << 32 | (uint64_t)mac[5] << 40 |
	       (uint64_t)above << 48;
}

// What a UDP checksum covers of a datagram from `a` to `b`, but for lengths: addresses, ports, protocol, in
// 16 bits as they stand in the packet (the sum is the same both ways). `ports` as in the header.
static inline uint32_t xdp_sum_of(const struct tp_ip *a, const struct tp_ip *b, uint32_t ports)
{
	bool ip4 = tp_ip_is4(a);

	return tp_sum_fold(
		tp_sum_ip(a, ip4) + tp_sum_ip(b, ip4) + ports + tp_sum_field(TP_PROTO_UDP));
}

static inline uint32_t xdp_sum(const struct tp_endpoint *a, const struct tp_endpoint *b)
{
	return xdp_sum_of(&a->ip, &b->ip, tp_udp_ports(a, b));
}

// One for each CPU, written by the program there. The loader reads sums over CPUs, and may write `ip_id`
// before it attaches.
struct xdp_cpu {
	uint64_t counter
		[TP_COUNTER_COUNT]; // enum tp_counter: what the program relayed, dropped or passed up
	uint64_t redirected; // of the relayed: by another interface than they came
	uint32_t ip_id; // the next one
	uint32_t tick; // the clock of entries, as it was at
	uint64_t jiffies;
};

// Where an address is looked for in config.slot.
static inline uint32_t xdp_slot(const struct tp_ip *ip)
{
	return (ip->w[0] ^ ip->w[1] ^ ip->w[2] ^ ip->w[3]) * 0x9e3779b1u >> 24;
}

#ifndef __bpf__
static inline void xdp_config_add(
	struct xdp_config *c, uint32_t at, const struct tp_ip *ip, uint16_t port, uint32_t index)
{
	uint32_t slot = xdp_slot(ip);

	c->address[at] = (struct xdp_address){
		.ip = *ip, .port = port, .index = (uint8_t)index, .next = c->slot[slot]};
	c->slot[slot] = (uint8_t)(at + 1);
}

// Makes the program's way of recognising our addresses.
static inline void xdp_config_index(struct xdp_config *c)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < XDP_SLOTS; i++)
		c->slot[i] = 0;
	for (uint32_t i = 0; i < c->relays; i++)
		xdp_config_add(c, at++, &c->relay[i], 0, i);
	for (uint32_t i = 0; i < c->servers; i++)
		xdp_config_add(c, at++, &c->server[i].ip, c->server[i].port, i);
}

// For the loader. A port's entry in the mapping of `ports`; one writer for each entry.
static inline void xdp_port_write(struct xdp_port *to, const struct xdp_port *port)
{
	const uint64_t *from = (const uint64_t *)(const void *)port;
	uint64_t *words = (uint64_t *)(void *)to;
	uint32_t sequence = __atomic_load_n(&to->sequence, __ATOMIC_RELAXED);

	__atomic_store_n(&to->sequence, sequence | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&to->allocation, port->allocation, __ATOMIC_RELAXED);
	for (unsigned int i = 1; i < sizeof(*port) / 8; i++)
		__atomic_store_n(&words[i], from[i], __ATOMIC_RELAXED);
	__atomic_store_n(&to->sequence, (sequence | 1) + 1, __ATOMIC_RELEASE);
}

// For the loader, in the mapping of `destinations`; one writer.
static inline void xdp_destination_write(
	struct xdp_destinations *lines, uint32_t destination, uint16_t hop)
{
	uint16_t *to = &lines[destination / XDP_DESTINATIONS_EACH]
				.hop[destination % XDP_DESTINATIONS_EACH];

	__atomic_store_n(to, hop, __ATOMIC_RELEASE);
}

// A next hop in the mapping of `hops`; one writer. Another neighbour is one store. Where the interface changes,
// packets pass up for the moment between the stores, so that none leaves by one interface for a neighbour on the
// other.
static inline void xdp_hop_write(struct xdp_hop *to, const struct xdp_hop *hop)
{
	if (__atomic_load_n(&to->from, __ATOMIC_RELAXED) != hop->from) {
		__atomic_store_n(&to->to, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&to->from, hop->from, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&to->to, hop->to, __ATOMIC_RELEASE);
}
#endif
