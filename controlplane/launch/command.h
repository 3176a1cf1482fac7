// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The command lines of the programs. They are for all to read: nothing secret goes in.
#pragma once

#include "../config/config.h"
#include "runtime.h"
#include "spawn.h"
#include "users.h"

// Fill in a program's path, arguments, descriptors and user (`users` must stay). Return 0 or a negative errno.
int command_control(struct spawn *spawn, const struct runtime *runtime, const struct users *users);
int command_dataplane(struct spawn *spawn, const struct config *config,
	const struct runtime *runtime, const struct users *users);
// The name of the dataplane's program.
const char *command_dataplane_name(const struct config *config);
// Whether the dataplane that the configuration asks for was built. Returns 0, or -ENOENT after a sentence
// that begins with `who`.
int command_check(const struct config *config, const char *who, FILE *out);
void command_free(struct spawn *spawn);
