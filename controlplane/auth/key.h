// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The keys of the long-term credential mechanism: a digest of username ":" realm ":" password
// (RFC 8489 section 18.5.1), and the USERHASH that stands for a name (section 14.4).
#pragma once

#include <stddef.h>
#include <stdint.h>

#define AUTH_KEY_MAX 32u // bytes
#define AUTH_HASH_LENGTH 16u // of a user name, keyed
#define AUTH_USERHASH_LENGTH 32u // SHA-256

// Numbers as on the wire (RFC 8489 section 18.5).
enum auth_algorithm {
	AUTH_NO_ALGORITHM = 0,
	AUTH_MD5 = 1,
	AUTH_SHA256 = 2,
};

static inline size_t auth_key_length(enum auth_algorithm algorithm)
{
	return algorithm == AUTH_SHA256 ? 32 : 16;
}

// Derives keys for one realm without allocating or fetching anything per key.
struct auth_keys;

// Copies the realm. Returns 0 or a negative errno: -ENOTSUP when this OpenSSL lacks a digest.
int auth_keys_new(struct auth_keys **out, const char *realm);
// Takes NULL.
void auth_keys_free(struct auth_keys *keys);
// Writes auth_key_length() bytes. Returns 0 or -EIO. Wipe `out` after use.
int auth_keys_derive(struct auth_keys *keys, enum auth_algorithm algorithm, const void *user,
	size_t user_length, const void *password, size_t password_length, uint8_t *out);
// SHA-256(username ":" realm). Returns 0 or -EIO.
int auth_keys_userhash(struct auth_keys *keys, const void *user, size_t user_length,
	uint8_t out[AUTH_USERHASH_LENGTH]);
