// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A relay's tables, filled: so many flows, each a permission and a channel to a peer of its own. Up to
// ALLOCATIONS_MAX every flow has an allocation of its own; beyond, allocations have several, up to
// CHANNELS_EACH. Flow `i` is of allocation `i` % allocations.
#pragma once

#include <relay.h>

#define RELAYS 64u
#define PORT_MIN 49152u
#define ALLOCATIONS_MAX (RELAYS * 16384u)
#define CHANNELS_EACH 10u
#define FLOWS_MAX (ALLOCATIONS_MAX * CHANNELS_EACH)

// A number below `below`, the same ones in every run.
uint32_t draw(uint32_t below);

// Zeroed memory, or the end of the program.
void *take(size_t n, size_t size);

// Of so many flows.
uint32_t allocations_of(uint32_t flows);

// Allocation `i`'s transport addresses, and flow `i`'s peer.
struct tp_endpoint client_of(uint32_t i);
struct tp_endpoint relay_of(uint32_t i);
struct tp_endpoint peer_of(uint32_t i);
struct tp_endpoint server_address(void);

// The same endpoint in a world of that family: an IPv4 address becomes the low bits of an IPv6 one.
struct tp_endpoint in_family(struct tp_endpoint e, enum tp_family family);

// Allocation `i` with its permission and channel, through `apply`, or the end of the program.
typedef enum tp_status apply_fn(void *context, const struct tp_command *command);
void put_allocation(
	uint32_t i, enum tp_family family, uint64_t expires_ms, apply_fn *apply, void *context);

// Addresses and capacity for so many allocations.
void population_capabilities(
	struct tp_capabilities *out, uint32_t allocations, enum tp_family family);

// Of IPv4.
struct relay *populated_relay(uint32_t flows);

// An empty one for so many flows.
struct relay *empty_relay(uint32_t flows);
