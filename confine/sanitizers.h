// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the runtime of a sanitizer calls, at the end most of all: LeakSanitizer stops the process's threads by
// ptrace() from a clone of it. Only in builds with -Db_sanitize or -Dfuzz (CONFINE_SANITIZERS).
#pragma once

#include "filter.h"

static const struct filter_call filter_sanitizers[] = {
	{"clone"},
	{"getdents"},
	{"getdents64"},
	{"getppid"},
	{"getrlimit"},
	{"kill"},
	{"open", {FILTER_READS(1)}},
	{"openat", {FILTER_READS(2)}},
	{"pipe"},
	{"pipe2"},
	{"prctl"},
	{"prlimit64"},
	{"process_vm_readv"},
	{"ptrace"},
	{"readlink"},
	{"readlinkat"},
	{"rt_sigaction"},
	{"wait4"},
	{NULL},
};
