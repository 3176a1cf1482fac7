// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "calls.h"

#include <linux/bpf.h>
#include <sys/socket.h>

// What DPDK's drivers call for ports that are open, and to close them. Drivers of hardware talk to the kernel by
// ioctl() and by files in sysfs, which are read.
const struct filter_call dpdk_calls[] = {
	{"ioctl"},
	{"openat", {FILTER_READS(2)}},
	{"readlink"},
	{"getdents64"},
	{"pread64"},
	{"pwrite64"},
	// The thread for interrupts makes its set of descriptors anew when that changes; alarms.
	{"epoll_create1"},
	{"epoll_create"},
	{"eventfd2"},
	{"timerfd_create"},
	{"timerfd_settime"},
	{"timerfd_gettime"},
	// Memory shared with the other end of a port that connects again: net_memif, vhost-user.
	{"memfd_create"},
	{"ftruncate"},
	{"shutdown"},
	{"accept4"},
	{"accept"},
	{"socket", {FILTER_SOCKET(AF_UNIX, SOCK_STREAM)}},
	// Relay ports that the kernel is not to give to others (taken.h); and the state of interfaces.
	{"socket", {FILTER_SOCKET(AF_INET, SOCK_DGRAM)}},
	{"socket", {FILTER_SOCKET(AF_INET6, SOCK_DGRAM)}},
	{"socket", {FILTER_SOCKET(AF_UNIX, SOCK_DGRAM)}},
	{"socket", {FILTER_SOCKET(AF_NETLINK, SOCK_RAW)}},
	{"bind"},
	{"getsockname"},
	{"setsockopt"},
	{"sendmmsg"},
	// The map and the link of net_af_xdp's program, when it is closed. None of these loads a program.
	{"bpf", {FILTER_INT(0, BPF_MAP_LOOKUP_ELEM)}},
	{"bpf", {FILTER_INT(0, BPF_MAP_UPDATE_ELEM)}},
	{"bpf", {FILTER_INT(0, BPF_MAP_DELETE_ELEM)}},
	{"bpf", {FILTER_INT(0, BPF_PROG_GET_FD_BY_ID)}},
	{"bpf", {FILTER_INT(0, BPF_MAP_GET_FD_BY_ID)}},
	{"bpf", {FILTER_INT(0, BPF_OBJ_GET_INFO_BY_FD)}},
	{"bpf", {FILTER_INT(0, BPF_LINK_GET_FD_BY_ID)}},
	{"bpf", {FILTER_INT(0, BPF_LINK_GET_NEXT_ID)}},
	{"bpf", {FILTER_INT(0, BPF_LINK_DETACH)}},
	// libxdp looks for a BPF file system of its own then, and does without.
	{"flock"},
	{"mkdir", .refused = true},
	{NULL},
};
