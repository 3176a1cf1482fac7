// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "calls.h"

#include <linux/bpf.h>
#include <sys/socket.h>

const struct filter_call kernel_calls[] = {
	// A relay socket for each allocation.
	{"socket", {FILTER_SOCKET(AF_INET, SOCK_DGRAM)}},
	{"socket", {FILTER_SOCKET(AF_INET6, SOCK_DGRAM)}},
	{"setsockopt"},
	{"bind"},
	{"sendmmsg"},
	{NULL},
};

// Entries of maps that are there; next hops come over sockets that are.
const struct filter_call kernel_xdp_calls[] = {
	{"bpf", {FILTER_INT(0, BPF_MAP_LOOKUP_ELEM)}},
	{"bpf", {FILTER_INT(0, BPF_MAP_UPDATE_ELEM)}},
	{"bpf", {FILTER_INT(0, BPF_MAP_DELETE_ELEM)}},
	{"bpf", {FILTER_INT(0, BPF_MAP_GET_NEXT_KEY)}},
	{NULL},
};
