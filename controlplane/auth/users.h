// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The configured users: from the keyed hash of a name, or from a USERHASH, to its keys. Built once, never
// changed.
#pragma once

#include "auth.h"
#include "key.h"

struct auth_users;

struct auth_known {
	uint8_t hash[AUTH_HASH_LENGTH]; // of the name
	uint8_t md5[16];
	uint8_t sha256[32];
	const char *name; // NULL: an empty slot
	uint16_t name_length;
	bool has_md5, has_sha256; // which of the keys there are
};

// Derives every user's keys. Returns 0 or a negative errno: -EINVAL for a name, password or key that
// can't be one, -EEXIST for a name told twice.
int auth_users_new(
	struct auth_users **out, const struct auth_config *config, struct auth_keys *keys);
// Wipes the keys. Takes NULL.
void auth_users_free(struct auth_users *users);
// Whether every user has a key by this algorithm.
bool auth_users_all_have(const struct auth_users *users, enum auth_algorithm algorithm);
// The user, or NULL. Names are told apart by their 128-bit hash alone: who doesn't know the hash's key
// can't make two names meet.
const struct auth_known *auth_users_find(
	const struct auth_users *users, const uint8_t hash[AUTH_HASH_LENGTH]);
const struct auth_known *auth_users_find_userhash(
	const struct auth_users *users, const uint8_t userhash[AUTH_USERHASH_LENGTH]);

static inline const uint8_t *auth_known_key(
	const struct auth_known *user, enum auth_algorithm algorithm)
{
	return algorithm == AUTH_SHA256 ? user->sha256 : user->md5;
}
