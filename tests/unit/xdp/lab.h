// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The XDP program by itself: loaded, its maps filled as a loader fills them, one frame run through it.
#pragma once

#include <stdbool.h>

#include <state.h>
#include <table.h>

#include "relay.skel.h"

#define LAB_FRAME_MAX 4096u
#define LAB_ALLOCATIONS 16u
#define LAB_PEERS 64u
#define LAB_DESTINATIONS 100u // and none

struct lab {
	struct relay_bpf *skeleton;
	struct xdp_config *config; // until lab_load()
	struct table clients; // mapped, as all below
	struct table peers;
	struct xdp_port *ports;
	struct xdp_destinations *destinations; // 1 is there: it has the next hop 1
	struct xdp_hop *hops;
	uint32_t until; // what entries get: far away
	uint32_t homes; // of clients and peers; 0: as many as a loader gives them
};

// Opens the program; of `lab`, `homes` stays. NULL, or why there can be no BPF here, as a sentence: a test then skips.
const char *lab_open(struct lab *lab);
// Loads the program with lab->config; on failure the verifier's log is on standard error, and the test fails.
void lab_load(struct lab *lab);
void lab_close(struct lab *lab);

// What a loader does for an allocation, a permission and a channel. Destination 1 for all.
void lab_put_allocation(struct lab *lab, uint32_t slot, const struct tp_endpoint *client,
	uint8_t server, uint8_t relay, uint16_t relay_port);
void lab_put_permission(struct lab *lab, uint32_t slot, const struct tp_ip *peer);
void lab_put_channel(struct lab *lab, uint32_t slot, const struct tp_endpoint *client,
	uint8_t server, uint8_t relay, uint16_t relay_port, const struct tp_endpoint *peer,
	uint16_t channel);

// Runs a frame of 14 to LAB_FRAME_MAX bytes through the program; what comes out replaces it. Returns the
// program's verdict.
uint32_t lab_run(struct lab *lab, uint8_t *frame, uint32_t *length);

// What was counted since lab_load(), over all CPUs.
void lab_counts(struct lab *lab, struct xdp_cpu *out);
