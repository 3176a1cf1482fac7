// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// launcher.json: which programs run, so that the launcher after this one finds them.
#pragma once

#include "program.h"

// Writes the file anew, whole or not at all. Returns 0 or a negative errno.
int state_write(const char *path, const struct program *programs, size_t count);
// The live process of this name that the file tells of. Returns 0, or -ESRCH: none.
int state_find(const char *path, const char *name, struct process *out);
