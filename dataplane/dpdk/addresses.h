// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which of a frame's destinations are ours: listening addresses and relay addresses. Filled once,
// read by all workers.
#pragma once

#include <turnpike/segment.h>

enum address_kind {
	ADDRESS_OTHER = 0,
	ADDRESS_SERVER = 1, // a listening address; index is its own
	ADDRESS_RELAY = 2, // a relay address and a port of the range; index is the address's
};

struct address_entry {
	struct tp_ip ip;
	uint16_t port; // 0: the address itself
	uint8_t used;
	uint8_t relay; // port 0: whether it is a relay address
	uint8_t index;
	uint8_t zero[3];
};

#define ADDRESS_SLOTS 512u // of which at most 3 * 64 are used

struct addresses {
	uint16_t port_min;
	uint16_t port_max;
	bool overlap; // a listening port lies in the range of relay ports
	struct address_entry entry[ADDRESS_SLOTS];
	// Those of IPv4 once more, an entry a word: address, port, enum address_kind, index. 0: none.
	uint64_t entry4[ADDRESS_SLOTS];
};

void addresses_init(struct addresses *a, const struct tp_capabilities *capabilities);

// The table's content is configuration: nobody outside can make a chain of it longer.
static inline uint32_t address_slot(const struct tp_ip *ip, uint16_t port)
{
	uint64_t h = (ip->q[0] ^ ip->q[1] * 0x9e3779b97f4a7c15ull ^ port) * 0xff51afd7ed558ccdull;

	// The highest bits: those below know nothing of an address's last byte, which stands highest.
	return (uint32_t)(h >> 32) / (UINT32_MAX / ADDRESS_SLOTS + 1);
}

// NULL: there is none.
static inline const struct address_entry *addresses_entry(
	const struct addresses *a, const struct tp_ip *ip, uint16_t port)
{
	for (uint32_t i = address_slot(ip, port);; i = (i + 1) % ADDRESS_SLOTS) {
		const struct address_entry *e = &a->entry[i];

		if (!e->used)
			return NULL;
		if (e->port == port && tp_ip_equal(&e->ip, ip))
			return e;
	}
}

// What a datagram to this endpoint is. Writes *index unless it is ADDRESS_OTHER.
static inline enum address_kind addresses_find(
	const struct addresses *a, const struct tp_endpoint *destination, uint8_t *index)
{
	uint16_t port = destination->port;
	bool in_range = port >= a->port_min && port <= a->port_max;
	const struct address_entry *e;

	if (!port)
		return ADDRESS_OTHER;
	if (!in_range || a->overlap) {
		e = addresses_entry(a, &destination->ip, port);
		if (e) {
			*index = e->index;
			return ADDRESS_SERVER;
		}
	}
	if (!in_range)
		return ADDRESS_OTHER;
	e = addresses_entry(a, &destination->ip, 0);
	if (!e || !e->relay)
		return ADDRESS_OTHER;
	*index = e->index;
	return ADDRESS_RELAY;
}

static inline uint64_t address_key4(uint32_t be, uint16_t port)
{
	return (uint64_t)be << 32 | (uint64_t)port << 16;
}

static inline uint32_t address_slot4(uint64_t key)
{
	return (uint32_t)(key * 0x9e3779b97f4a7c15ull >> 32) / (UINT32_MAX / ADDRESS_SLOTS + 1);
}

// The entry of a key, or 0.
static inline uint64_t addresses_entry4(const struct addresses *a, uint64_t key)
{
	uint32_t i = address_slot4(key);

	while (a->entry4[i] && (a->entry4[i] ^ key) >> 16)
		i = (i + 1) % ADDRESS_SLOTS;
	return a->entry4[i];
}

// addresses_find() of an IPv4 address in network byte order.
static inline enum address_kind addresses_find4(
	const struct addresses *a, uint32_t be, uint16_t port, uint8_t *index)
{
	bool in_range = port >= a->port_min && port <= a->port_max;
	uint64_t e = in_range && !a->overlap ? 0 : addresses_entry4(a, address_key4(be, port));

	if (!port)
		return ADDRESS_OTHER;
	if (in_range && !e)
		e = addresses_entry4(a, address_key4(be, 0));
	*index = (uint8_t)e;
	return (enum address_kind)(e >> 8 & 0xff);
}

// The listening address where a burst's last packet from a client went, which nearly always is the next one's.
struct address_last {
	uint64_t key; // address_key4(); ADDRESS_LAST_NONE: there was none
	uint8_t index;
};
#define ADDRESS_LAST_NONE UINT64_MAX // no key: its low bits are 0

// addresses_find4() for a packet of a burst.
static inline enum address_kind addresses_next4(const struct addresses *a,
	struct address_last *last, uint32_t be, uint16_t port, uint8_t *index)
{
	const uint64_t key = address_key4(be, port);
	enum address_kind kind;

	// Ports in the range are peers' packets, which go everywhere.
	if (port < a->port_min && key == last->key) {
		*index = last->index;
		return ADDRESS_SERVER;
	}
	kind = addresses_find4(a, be, port, index);
	if (kind == ADDRESS_SERVER)
		*last = (struct address_last){key, *index};
	return kind;
}

// Whether the address is one of ours, whatever the port.
bool addresses_has(const struct addresses *a, const struct tp_ip *ip);
