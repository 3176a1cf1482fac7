// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The key of the long-term credential mechanism: MD5(username ":" realm ":" password)
// (RFC 8489 section 18.5.1.1).
#pragma once

#include <stddef.h>
#include <stdint.h>

#define AUTH_KEY_LENGTH 16u
#define AUTH_HASH_LENGTH 16u // of a user name, keyed

// Derives keys for one realm without allocating or fetching anything per key.
struct auth_keys;

// Copies the realm. Returns 0 or a negative errno: -ENOTSUP when this OpenSSL offers no MD5.
int auth_keys_new(struct auth_keys **out, const char *realm);
// Takes NULL.
void auth_keys_free(struct auth_keys *keys);
// Returns 0 or -EIO. Wipe `out` after use.
int auth_keys_derive(struct auth_keys *keys, const void *user, size_t user_length,
	const void *password, size_t password_length, uint8_t out[AUTH_KEY_LENGTH]);
