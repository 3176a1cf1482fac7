// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What all workers read, and none writes.
#pragma once

#include <nexthop.h>

#include "addresses.h"
#include "pools.h"
#include "port.h"

struct shared {
	struct settings settings;
	struct port port[PORTS_MAX];
	uint32_t ports;
	struct pools pools;
	struct addresses addresses;
	struct nexthops *nexthops;
	// Where placement is TP_PLACEMENT_OWNER and there is more than one worker; otherwise NULL.
	const uint8_t *owners; // by tp_owner_index()
	struct rte_ring *handoff[TP_WORKERS_MAX]; // to each worker
};
