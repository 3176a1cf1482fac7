// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which network interfaces the relay is reached by, and what the kernel says about each.
#pragma once

#include <stdbool.h>

#include <turnpike/segment.h>

struct interface {
	uint32_t ifindex; // 0: there is none of this name
	uint8_t mac[6];
	bool ethernet; // no loopback, no tunnel: frames begin with an Ethernet header
	bool other_program; // an XDP program is on it already
	struct tp_interface
		told; // name, driver, MTU, queues, virtual_: filled in here, the rest later
};

// Those of these names; with none given, those that hold the server and relay addresses, loopback
// left out. Returns their number, at most TP_INTERFACES_MAX, or a negative errno.
int interfaces_find(struct interface out[TP_INTERFACES_MAX], const char *const *names,
	uint32_t names_count, const struct tp_capabilities *capabilities);
