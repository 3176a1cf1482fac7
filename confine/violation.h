// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

// From now on a system call that the filter traps is named on stderr, and ends the process by SIGSYS. Returns 0 or a
// negative errno. `program` must stay.
int violation_watch(const char *program);
