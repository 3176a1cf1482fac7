// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The control plane's part of attach_race: one life, in a process of its own.
#pragma once

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

#include <turnpike/attach.h>

// A control plane's exit codes.
enum {
	LIFE_GOOD = 0,
	LIFE_REFUSED = 20, // a greeting or segment that ought to be good was refused
	LIFE_RESULT = 21, // a result was lost, stale or out of order
	LIFE_PUNT = 22, // a punt was lost, stale or out of order
	LIFE_LEAK = 23, // descriptors left after detaching
};

// Attaches over `sock`, pushes commands and reads their results in order, and dies by SIGKILL after
// `steps` steps, or detaches when `commands` were answered. Never returns.
_Noreturn void control_live(int sock, uint32_t life, uint32_t commands, uint32_t steps);

// The mark that a record of a life carries, so that stale ones are known.
static inline uint64_t life_mark(uint32_t life, uint32_t n)
{
	return (uint64_t)life << 32 | n;
}

int count_descriptors(void);
int count_mappings(void); // of memfds
