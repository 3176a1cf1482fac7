// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// From a checked configuration to what turnpike-control is made of.
#pragma once

#include "../config/config.h"
#include "../turn/server.h"
#include "abuse_log.h"

// All return 0 or a negative errno.

// Opens the vault in `vault_fd`; says so if another control plane left none that can be used.
int setup_vault(struct vault *vault, const struct config *config, int vault_fd);
// Credentials under the keys of the vault.
int setup_auth(struct auth **out, const struct config *config, const struct vault *vault);
// `vault` is the server's from now on, even on failure.
int setup_server(struct turn_server **out, const struct config *config, struct vault *vault,
	struct auth *auth, struct link *link, struct tp_counters *counters,
	struct abuse_log *abuse_log);
