// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The relay's XDP program in the kernel: loaded with its configuration and maps of the right sizes.
#pragma once

#include <turnpike/segment.h>

#include "table.h"

struct relay_bpf;

struct program {
	struct relay_bpf *object; // NULL: not loaded
	struct xdp_config config; // as it was loaded
	struct table clients; // the maps themselves
	struct table peers;
	struct xdp_port *ports;
	struct xdp_destinations *destinations;
	struct xdp_hop *hops;
	struct xdp_cpu *cpus; // room for one of each CPU
	int cpus_count;
};

// Loads the program for these interfaces. Bit i of `redirect`: the i-th takes no XDP_TX. `partial`: checksums of what they bring may not be whole. `destinations` is
// how many there may be. What the verifier says to a program that it refuses goes to the file
// `log`. Returns 0 or a negative errno; program_free() is due either way. `p` must stay where it is.
int program_load(struct program *p, const struct tp_capabilities *capabilities,
	const uint32_t *ifindex, uint32_t interfaces, uint32_t redirect, bool partial,
	uint32_t destinations, const char *log);
void program_free(struct program *p);

int program_fd(const struct program *p);

// Sums what all CPUs have counted.
void program_count(struct program *p, struct xdp_cpu *out);
