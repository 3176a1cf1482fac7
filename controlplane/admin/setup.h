// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// From a checked configuration to what turnpike-control is made of.
#pragma once

#include "../config/config.h"
#include "../turn/server.h"

// Credentials under the keys of the vault in `vault_fd`, which is made if the file is empty. Returns 0 or
// a negative errno.
int setup_auth(struct auth **out, const struct config *config, int vault_fd);
int setup_server(struct turn_server **out, const struct config *config, int vault_fd,
	struct auth *auth, struct link *link, struct tp_counters *counters);
