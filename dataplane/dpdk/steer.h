// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which worker a port brings a relay port to (TP_PLACEMENT_OWNER, design section 3), and how it comes
// to do so: one rte_flow rule for each value of the lowest bits of the port; or RSS with the key and
// table that were given, programmed where the port has RSS and taken for granted where it has none; or
// whoever feeds the port's queues does the arithmetic of the rules.
#pragma once

#include "port.h"

// The worker of a relay port by its lowest bits. `workers` is not 0.
static inline uint32_t steer_by_bits(uint16_t relay_port, uint32_t workers)
{
	uint32_t values = 1;

	while (values < workers)
		values *= 2;
	return (relay_port & (values - 1)) % workers;
}

// What a wire is configured with: RSS, with the key that was given where it can have that.
void steer_configure(
	struct rte_eth_conf *conf, const struct rte_eth_dev_info *info, const struct settings *s);

// Has all ports, which are started, bring relay ports to their owners. Returns 0, with the way in *how,
// STEERING_AUTO: none, so every worker must know every relay port; or -1 after a sentence on stderr:
// they can't do what was asked for.
int steer_ports(
	const struct port *port, uint32_t ports, const struct settings *s, enum steering *how);

// The worker that owns a relay port; `how` is not STEERING_AUTO.
uint32_t steer_owner(
	const struct settings *s, enum steering how, const struct tp_ip *relay, uint16_t port);
