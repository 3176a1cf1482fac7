// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The system calls that a program may make once it has started: a list, by seccomp(2). What is not on it ends
// the program by SIGSYS, after a line on stderr that names the call.
//
// The variable TURNPIKE_SECCOMP of the environment is for finding out what is missing on a list: with "log" the
// kernel lets such calls pass and writes them to its log, with "off" there is no list.
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Allowed where (argument & mask) == value. The kernel looks at 64 bits, also where the call takes an int.
struct filter_condition {
	unsigned int argument; // 0 to 5
	uint64_t mask; // 0: no condition
	uint64_t value;
};

#define FILTER_INT(index, is) \
	{ \
		.argument = (index), .mask = UINT32_MAX, .value = (uint32_t)(is) \
	}
// An open() or openat() whose flags are this argument neither writes nor makes anything.
#define FILTER_READS(index) \
	{ \
		.argument = (index), .mask = O_ACCMODE | O_CREAT | O_TRUNC, .value = O_RDONLY \
	}
// A socket() or socketpair() of this family and type (SOCK_DGRAM, ...).
#define FILTER_SOCKET(family, type) \
	FILTER_INT(0, family), \
	{ \
		.argument = 1, .mask = 0xf, .value = (type) \
	}

// A call, where all conditions hold. One that stands several times is allowed where either holds. Names that
// this architecture doesn't have are passed over.
struct filter_call {
	const char *name; // NULL: the end of a list
	struct filter_condition when[3];
	bool refused; // it fails by EPERM instead: libraries try it, and do without
};

enum filter_mode {
	FILTER_KILL,
	FILTER_LOG,
	FILTER_OFF,
};

// What TURNPIKE_SECCOMP says: 0, or -EINVAL where it is neither "kill", "log" nor "off".
int filter_mode(enum filter_mode *out);
const char *filter_mode_name(enum filter_mode mode);

// What every program needs: memory without execution, time, waiting, descriptors that it has.
extern const struct filter_call filter_everyone[];

// Allows these lists, the last of which is followed by NULL, and filter_everyone; for all threads, and for good.
// What is to be said begins with the program's name, which must stay: that there is no list, and with `tell` also
// that there is. Returns 0, or a negative errno after a sentence.
int filter_install(const char *program, const struct filter_call *const lists[], bool tell);

// For who starts programs that the filter will be in force for too: all calls but those that nothing of ours
// makes, which fail by EPERM from now on. Returns 0, or a negative errno after a sentence.
int filter_forbid(const char *program);
