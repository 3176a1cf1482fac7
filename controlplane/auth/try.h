// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A key on trial: whether a request was signed with it.
#pragma once

#include "../stun/integrity.h"
#include "key.h"

struct auth_try {
	enum auth_algorithm algorithm; // that keys are derived by
	struct stun_hmac *hmac; // keyed with what was tried last
	uint8_t key[AUTH_KEY_MAX]; // auth_key_length() bytes; wipe after use
};

// Whether the message's integrity is right under `key`. Where both kinds are present, the one by SHA-256
// alone decides (RFC 8489 section 9.2.4).
static inline bool auth_try_verifies(struct auth_try *try, const struct stun_message *m)
{
	return stun_hmac_rekey(try->hmac, try->key, auth_key_length(try->algorithm)) == 0 &&
	       (m->has & STUN_HAS_INTEGRITY_SHA256 ? stun_integrity_sha256_valid(m, try->hmac)
						   : stun_integrity_valid(m, try->hmac));
}
