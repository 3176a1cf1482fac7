// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// What xdp_bench and its programs share: who sends to whom.
#pragma once

#include <turnpike/header.h>

// Allocation i: client 10.0.0.0 + i, port 5000; peer 10.128.0.0 + i, port 6000, on channel 0x4001; a relay port for
// each, PORTS to an address.
#define LOAD_CLIENT 0x0a000000u
#define LOAD_CLIENT_PORT 5000u
#define LOAD_PEER 0x0a800000u
#define LOAD_PEER_PORT 6000u
#define LOAD_SERVER 0xc0000201u
#define LOAD_SERVER_PORT 3478u
#define LOAD_RELAY 0xc6336401u
#define LOAD_PORT_MIN 2000u
#define LOAD_PORTS 60000u
#define LOAD_CHANNEL 0x4001u

// Written before each run.
struct load {
	uint32_t allocations;
	uint32_t step; // from one packet's allocation to the next one's, below `allocations`
	uint32_t next; // the program's
	uint32_t from_peer; // 0: from clients
	uint32_t length; // UDP payload
	uint32_t zero;
	uint64_t arrived; // the sink's: packets that came back
};
