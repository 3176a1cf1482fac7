// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Next hops as a test says, in the place of the kernel's answers: without privileges, without a
// thread.
#pragma once

#include <nexthop.h>

// The address that frames leave from, from now on.
void hops_set_port(struct nexthops *n, const uint8_t *mac);

// What an address has from now on. `mac`: NULL where the state isn't NEXTHOP_READY.
void hops_set(struct nexthops *n, const struct tp_ip *ip, enum nexthop_state state,
	const uint8_t *mac, uint16_t mtu);

// What every address has from now on; those that were taken are forgotten.
void hops_set_every(struct nexthops *n, const struct nexthop *hop);
