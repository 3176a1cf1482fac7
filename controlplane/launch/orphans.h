// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What a launcher that died left running (design section 6, invariant 1).
#pragma once

#include "program.h"
#include "runtime.h"

struct orphans {
	struct process control; // pid 0: not running
	struct process dataplane; // whichever
};

void orphans_find(struct orphans *orphans, const struct runtime *runtime);
// Takes the listening sockets and the vault back from the running control plane. Returns 0, or a negative
// errno with nothing taken.
int orphans_take(const struct orphans *orphans, struct runtime *runtime);
// SIGTERM, and after five seconds SIGKILL.
void orphans_end(struct orphans *orphans);
