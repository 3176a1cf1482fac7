// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What a figure was taken on.
#pragma once

#include <jansson.h>

#include "options.h"

#define SCHEMA "turngun/1"

// The document's first members: schema, command, argv, started, versions, machine. `dpdk`: its version, or NULL.
// NULL: no memory.
json_t *machine_document(const struct options *o, int argc, char **argv, const char *dpdk);
// Has the thread run on that CPU only. Returns 0 or a negative errno.
int machine_pin(int cpu);
