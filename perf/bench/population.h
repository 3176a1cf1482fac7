// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A relay's tables, filled: so many IPv4 allocations, each with a permission and a channel to one peer.
#pragma once

#include <relay.h>

#define RELAYS 64u
#define PORT_MIN 49152u
#define ALLOCATIONS_MAX (RELAYS * 16384u)

// A number below `below`, the same ones in every run.
uint32_t draw(uint32_t below);

// Zeroed memory, or the end of the program.
void *take(size_t n, size_t size);

// Allocation `i`'s transport addresses.
struct tp_endpoint client_of(uint32_t i);
struct tp_endpoint peer_of(uint32_t i);
struct tp_endpoint relay_of(uint32_t i);
struct tp_endpoint server_address(void);

struct relay *populated_relay(uint32_t allocations);
