// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The embedded default: what `turnpike run` runs without a configuration file.
#pragma once

#include "../config/config.h"

// Loads it with the user, password and REST secret in credentials.yaml of the runtime directory, which are
// made when there are none yet. On failure writes sentences to stderr and returns a negative errno.
int defaults_load(struct config **out, const char *directory);
// Where the control socket is without a configuration. The caller frees it; NULL without memory.
char *defaults_control_socket(void);
