// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The configured users: from the keyed hash of a name to its key. Built once, never changed.
#pragma once

#include "auth.h"
#include "key.h"

struct auth_users;

// Derives every user's key. Returns 0 or a negative errno: -EINVAL for a name, password or key that
// can't be one, -EEXIST for a name told twice.
int auth_users_new(
	struct auth_users **out, const struct auth_config *config, struct auth_keys *keys);
// Wipes the keys. Takes NULL.
void auth_users_free(struct auth_users *users);
// The user's key, or NULL. Names are told apart by their 128-bit hash alone: who doesn't know the
// hash's key can't make two names meet.
const uint8_t *auth_users_find(
	const struct auth_users *users, const uint8_t hash[AUTH_HASH_LENGTH]);
