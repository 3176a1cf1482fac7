// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// As whom the programs run.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <confine.h>

#include "../config/config.h"

struct users {
	bool separate; // each program has a user of its own; otherwise all are ours, and the rest is not in use
	struct confine_identity control, dataplane;
	gid_t operators; // who may ask turnpike-control, besides root
};

// Finds out. Users that are not configured by name may be missing: then numbers that nobody has take their
// place. Where we can't start programs as other users (not root, or a root without the capabilities) all are
// ours. Returns 0, or -ENOENT after a sentence that begins with `who`: the configuration names a user or group
// that this host doesn't have.
int users_find(struct users *users, const struct config *config, const char *who, FILE *out);

// One line: as whom everything runs.
void users_tell(const struct users *users, FILE *out);

// The capabilities with which the dataplane is started. It gives up what it needs at its start only.
uint64_t users_dataplane_capabilities(const struct config *config);

// Those that the launcher keeps: for starting, ending and adopting programs.
uint64_t users_launcher_capabilities(const struct config *config);
