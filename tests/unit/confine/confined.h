// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Calls that no list may have, each tried in a process of its own under a program's lists.
#pragma once

#include <filter.h>

struct confined_try {
	const char *name; // of the system call, as the line on stderr has it
	void (*call)(void);
};

// What no program of ours may do once it runs; ends with a NULL name.
extern const struct confined_try confined_never[];
// What those may not do that need no driver: with DPDK some are on the list.
extern const struct confined_try confined_without_drivers[];

// Each of the calls ends the process that makes it by SIGSYS, after its line.
void confined_expect_killed(
	const struct filter_call *const lists[], const struct confined_try *tries);
// Runs this under the lists and expects that it returns.
void confined_expect_allowed(const struct filter_call *const lists[], void (*call)(void));
