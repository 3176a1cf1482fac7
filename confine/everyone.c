// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// glibc's share: what malloc, stdio, threads and clocks may come to call at any time.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include "filter.h"

#define NO_EXECUTION \
	{ \
		.argument = 2, .mask = PROT_EXEC, .value = 0 \
	}

const struct filter_call filter_everyone[] = {
	// Descriptors that are there already.
	{"read"},
	{"readv"},
	{"write"},
	{"writev"},
	{"close"},
	{"lseek"},
	{"fstat"},
	{"newfstatat", {{.argument = 3, .mask = AT_EMPTY_PATH, .value = AT_EMPTY_PATH}}},
	{"fcntl"},
	{"poll"},
	{"ppoll"},
	{"epoll_ctl"},
	{"epoll_wait"},
	{"epoll_pwait"},
	{"epoll_pwait2"},
	// Memory.
	{"brk"},
	{"mmap", {NO_EXECUTION}},
	{"mprotect", {NO_EXECUTION}},
	{"mremap"},
	{"munmap"},
	{"madvise"},
	// Threads, and waiting.
	{"futex"},
	{"set_robust_list"},
	{"rseq"},
	{"getcpu"},
	{"gettid"},
	{"getpid"},
	{"sched_getaffinity"},
	{"sched_yield"},
	{"nanosleep"},
	{"clock_nanosleep"},
	{"restart_syscall"},
	// Clocks, where the vDSO can't tell.
	{"clock_gettime"},
	{"clock_getres"},
	{"gettimeofday"},
	{"time"},
	{"getrandom"},
	// Signals and the end. SIGSYS keeps its action: violation.c.
	{"rt_sigreturn"},
	{"rt_sigprocmask"},
	{"rt_sigaction", {FILTER_INT(0, SIGABRT)}},
	{"rt_sigaction", {FILTER_INT(0, SIGINT)}},
	{"rt_sigaction", {FILTER_INT(0, SIGTERM)}},
	{"sigaltstack"},
	{"exit"},
	{"exit_group"},
	{NULL},
};
