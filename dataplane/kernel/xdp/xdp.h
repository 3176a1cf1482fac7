// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Relaying in the driver, with the sockets under it: interfaces probed, the program attached, its maps kept in
// step with the workers' tables and with the kernel's next hops.
#pragma once

#include "../settings.h"
#include "hook.h"
#include "mirror.h"
#include "program.h"

struct nexthops;
struct nexthops_listener;

struct xdp {
	struct hook hook[TP_INTERFACES_MAX];
	uint32_t hooks; // interfaces looked at
	struct program program;
	struct nexthops *nexthops;
	struct mirror *mirror; // NULL: the program is nowhere, and sockets relay everything
};

// Does what it can, and completes the capabilities: their name, and what was found out about interfaces. Tells
// on stderr which it has come to be, and why. `capabilities` must outlive it. xdp_stop() is due.
void xdp_start(
	struct xdp *x, const struct settings *settings, struct tp_capabilities *capabilities);
// Once no worker runs.
void xdp_stop(struct xdp *x);

// Whether the program relays on some interface.
static inline bool xdp_runs(const struct xdp *x)
{
	return x->mirror != NULL;
}

// maps.c. What the mirror is made with, but for the context, which is the struct xdp; and who is told of next hops,
// likewise.
extern const struct mirror_ops maps_ops;
extern const struct nexthops_listener maps_listener;

// Writes what the program has counted to the page of what no worker counted. By one thread.
void xdp_publish(struct xdp *x, struct tp_counters *page);
