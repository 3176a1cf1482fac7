// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Stateless nonces: the nonce cookie (RFC 8489 section 9.2), the time, and a MAC over all that a nonce is
// for. Nothing is kept for a client that asked; whoever holds the key recognises them, before and after a
// restart.
//
// 28 characters: "obMatJos2", 4 for the features, and 15 of base64 that hold 32 bits of time and 58 of the
// MAC. So few, and a multiple of 4, because a 401 has to stay within 120 bytes: 20 header + 24 ERROR-CODE
// + 32 REALM of 28 bytes + 32 NONCE + 12 PASSWORD-ALGORITHMS = 120.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "../stun/message.h"

#define AUTH_NONCE_LENGTH 28u
#define AUTH_NONCE_COOKIE_LENGTH 13u

// Security features, as the 24 bits of the cookie (RFC 8489 section 18.1; bit 0 is the rightmost one, as in
// the RFC's own vector).
#define AUTH_FEATURE_PASSWORD_ALGORITHMS 0x000001u
#define AUTH_FEATURE_USERNAME_ANONYMITY 0x000002u

struct auth_nonces {
	uint8_t key[16];
	uint32_t lifetime_s;
	char cookie[AUTH_NONCE_COOKIE_LENGTH + 4]; // and what base64 ends in
};

enum auth_nonce_state {
	AUTH_NONCE_UNKNOWN, // not ours, or another client's
	AUTH_NONCE_STALE, // was valid once
	AUTH_NONCE_VALID,
};

// Derives a key from `key` that is for `context` alone: the realm, and what else was told with a
// nonce. `lifetime_s` of 0 means 3600.
void auth_nonces_init(struct auth_nonces *n, const uint8_t key[16], const void *context,
	size_t context_length, uint32_t features, uint32_t lifetime_s);
// Writes AUTH_NONCE_LENGTH characters and a NUL.
void auth_nonces_make(const struct auth_nonces *n, const struct tp_endpoint *from, uint64_t now_s,
	char out[AUTH_NONCE_LENGTH + 1]);
// Whether this nonce was made with this key for this client, and at most `lifetime_s` ago.
enum auth_nonce_state auth_nonces_check(const struct auth_nonces *n, const struct stun_bytes *nonce,
	const struct tp_endpoint *from, uint64_t now_s);
// Whether it begins with our cookie.
bool auth_nonces_cookie(const struct auth_nonces *n, const struct stun_bytes *nonce);
