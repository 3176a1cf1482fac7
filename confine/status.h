// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// How a process is confined, as the kernel tells anybody who asks (proc(5)).
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct confine_status {
	uid_t user; // the effective one
	uint64_t
		capabilities; // permitted to any of its threads, bit by bit as the kernel numbers them
	bool no_new_privs, seccomp; // in force for all of its threads
};

// Returns 0, or -ESRCH: no process of this name has this number.
int confine_status(pid_t pid, const char *name, struct confine_status *out);
// "net_admin", or NULL: there is none of this number.
const char *confine_capability_name(unsigned int capability);
