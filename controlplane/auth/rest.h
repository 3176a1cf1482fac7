// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The TURN REST convention (draft-uberti-behave-turn-rest-00): user names that carry their own
// expiry ("1700000000:alice", or the number alone), passwords that are base64(HMAC-SHA1(secret,
// user name)).
#pragma once

#include "auth.h"
#include "key.h"
#include "try.h"

struct auth_rest;

// Prepares every secret; takes the cache's memory. Returns 0 or a negative errno: -EINVAL for an
// empty secret.
int auth_rest_new(struct auth_rest **out, const struct auth_config *config);
// Wipes secrets and keys. Takes NULL.
void auth_rest_free(struct auth_rest *rest);

// Whether this is a REST user name that holds at `now_s`.
bool auth_rest_current(const struct auth_rest *rest, const struct stun_bytes *user, uint64_t now_s);

// Whether the message's integrity is right under a key that one of the secrets gives this user by the
// algorithm of `try`, which then is that key, and it is kept ready. Nothing is kept of a message that
// fails: strangers can't push users out of the cache. `hash` is the user name's.
bool auth_rest_verify(struct auth_rest *rest, const struct stun_message *m,
	const uint8_t hash[AUTH_HASH_LENGTH], struct auth_keys *keys, struct auth_try *try);
