// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Relay addresses behind a 1:1 NAT have two forms: the local one, which sockets see, and the public
// one, which clients and tables know.
#pragma once

#include "worker.h"

// Puts a relay address of ours into its public form, and leaves any other address.
static inline void public_address(const struct worker *w, struct tp_ip *ip)
{
	const struct tp_capabilities *caps = w->agent.capabilities;

	for (uint32_t i = 0; w->nat && i < caps->relays; i++)
		if (tp_ip_equal(ip, &caps->relay[i].local)) {
			*ip = caps->relay[i].public_;
			return;
		}
}
