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
};

void addresses_init(struct addresses *a, const struct tp_capabilities *capabilities);

// What a datagram to this endpoint is. Writes *index unless it is ADDRESS_OTHER.
enum address_kind addresses_find(
	const struct addresses *a, const struct tp_endpoint *destination, uint8_t *index);

// Whether the address is one of ours, whatever the port.
bool addresses_has(const struct addresses *a, const struct tp_ip *ip);
