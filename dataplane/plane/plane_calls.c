// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "plane_calls.h"

#include <sys/socket.h>

const struct filter_call plane_calls[] = {
	// To the control plane, again and again; and a doorbell for each worker.
	{"socket", {FILTER_SOCKET(AF_UNIX, SOCK_SEQPACKET)}},
	{"connect"},
	{"socketpair", {FILTER_SOCKET(AF_UNIX, SOCK_DGRAM)}},
	{"setsockopt", {FILTER_INT(1, SOL_SOCKET)}},
	{"getsockopt"},
	{"sendmsg"},
	{"sendto"},
	{"recvmsg"},
	{"recvmmsg"},
	{"recvfrom"},
	{NULL},
};
