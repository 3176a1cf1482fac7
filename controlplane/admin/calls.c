// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "calls.h"

#include <linux/memfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

const struct filter_call control_calls[] = {
	// Dataplanes that come, and turnpikectl: whoever connects to the sockets that were handed over.
	{"accept4"},
	{"accept"},
	{"getsockopt"},
	{"setsockopt", {FILTER_INT(1, SOL_SOCKET)}},
	{"socketpair", {FILTER_SOCKET(AF_UNIX, SOCK_DGRAM)}},
	{"sendmsg"},
	{"sendto"},
	{"recvmsg"},
	{"recvmmsg"},
	{"recvfrom"},
	{"shutdown"},
	{"ioctl", {FILTER_INT(1, FIONBIO)}},
	// A segment for each dataplane.
	{"memfd_create", {FILTER_INT(1, MFD_CLOEXEC | MFD_ALLOW_SEALING)}},
	{"fallocate"},
	{NULL},
};

const struct filter_call control_log_calls[] = {
	{"openat", {FILTER_INT(2,
			   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)}},
	{"renameat"},
	{"unlinkat", {FILTER_INT(2, 0)}},
	{NULL},
};
