// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which worker a NIC brings a relay port to (TP_PLACEMENT_OWNER, design section 3): by the lowest
// bits of the port, one rte_flow rule for each value of them. Whoever else brings frames to queues
// (a hypervisor, a test) may do the same arithmetic.
#pragma once

#include "port.h"

// The worker of a relay port. `workers` is not 0.
static inline uint32_t steer_worker(uint16_t relay_port, uint32_t workers)
{
	uint32_t values = 1;

	while (values < workers)
		values *= 2;
	return (relay_port & (values - 1)) % workers;
}

// Has the port bring each relay port to steer_worker(). Returns 0 or a negative errno: it can't,
// and no rule is left.
int steer_port(const struct port *p, const struct settings *s);
