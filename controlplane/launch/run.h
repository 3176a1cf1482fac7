// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

#include <stdbool.h>

struct run_options {
	const char *config; // NULL: the embedded default
	bool end_orphans; // end what a dead launcher left, rather than adopt it
};

// The commands. Return an exit code: 0 or 1.
int run(const struct run_options *options);
int check(const char *path);
