// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

#include <stdio.h>

#include "config.h"

// Writes the configuration as YAML with every default and wildcard resolved, secrets included:
// config_parse() of it gives the same configuration on any host. Returns 0 or a negative errno.
int config_render(const struct config *config, FILE *out);
