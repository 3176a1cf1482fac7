// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Stateless nonces: the time and a MAC over time, source address and realm, in base64. Nothing is
// kept for a client that asked; whoever holds the key recognises them, before and after a restart.
//
// 16 characters. With the cookie of RFC 8489 section 9.2 ("obMatJos2" and 4 characters) in front
// they will be 29, so a 401 that also offers PASSWORD-ALGORITHMS stays within 120 bytes: 20 header
// + 20 ERROR-CODE + 24 REALM of 20 bytes + 36 NONCE + 12 PASSWORD-ALGORITHMS = 112.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "../stun/message.h"

#define AUTH_NONCE_LENGTH 16u

struct auth_nonces {
	uint8_t key[16];
	uint32_t lifetime_s;
};

// Derives the realm's own key from `key`. `lifetime_s` of 0 means 3600.
void auth_nonces_init(
	struct auth_nonces *n, const uint8_t key[16], const char *realm, uint32_t lifetime_s);
// Writes AUTH_NONCE_LENGTH characters and a NUL.
void auth_nonces_make(const struct auth_nonces *n, const struct tp_endpoint *from, uint64_t now_s,
	char out[AUTH_NONCE_LENGTH + 1]);
// Whether this nonce was made with this key for this client, at most `lifetime_s` ago.
bool auth_nonces_valid(const struct auth_nonces *n, const struct stun_bytes *nonce,
	const struct tp_endpoint *from, uint64_t now_s);
