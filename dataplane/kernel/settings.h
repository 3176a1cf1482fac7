// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What turnpike-kernel was asked to do: the options that all dataplanes share, and its own.
#pragma once

#include <options.h>

enum xdp_wish {
	XDP_WISH_OFF = 0, // sockets alone
	XDP_WISH_AUTO = 1, // native where the driver can, else generic
	XDP_WISH_NATIVE = 2,
	XDP_WISH_GENERIC = 3,
};

struct settings {
	struct options common;
	enum xdp_wish xdp;
	bool raw; // frames are sent by packet sockets where XDP does not relay
	uint32_t interfaces; // 0: those that hold the addresses
	const char *interface[TP_INTERFACES_MAX];
};

// As options_parse() (options.h); sentences go to stderr.
enum options_result settings_parse(struct settings *out, int argc, char **argv);
