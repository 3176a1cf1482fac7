// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What a driver says it can do with XDP, over generic netlink. Linux 6.3 was the first to tell.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct driver {
	bool known; // else the kernel does not tell
	bool native; // programs run in the driver
	bool transmits; // it sends frames of programs of any interface; a veth: its far end is ready for them
};

void driver_ask(uint32_t ifindex, struct driver *out);
