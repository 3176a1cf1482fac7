// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Who may: the long-term credential mechanism (RFC 8489 section 9.2) over configured users and the
// TURN REST convention, stateless nonces, and the rate at which strangers get answers. All memory
// is taken by auth_create(). Time is a parameter. No password, key or secret ever appears in a
// message or log.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "../stun/integrity.h"
#include "../stun/message.h"

struct auth;

struct auth_user {
	const char *name;
	const char *password; // NULL: one or both keys are given instead
	const char *key; // 32 hex digits: MD5(name ":" realm ":" password)
	const char *key_sha256; // 64 hex digits: SHA-256 of the same
};

struct auth_config {
	const char *realm;
	const struct auth_user *users;
	size_t users_count;
	const char *const *secrets; // TURN REST shared secrets; any of them is right (rotation)
	size_t secrets_count;
	uint8_t nonce_key[16]; // from the vault: nonces survive a restart
	uint8_t user_key[16]; // from the vault: keys user hashes
	uint32_t nonce_lifetime_s; // 0: 3600
	uint32_t rest_cache; // REST users whose keys are kept ready; 0: 65536
	// Answers to strangers, for each IPv4 address or IPv6 /64, and for each IPv4 /24 or IPv6 /48.
	uint32_t unauthenticated_per_second; // 0: no limit
	uint32_t network_unauthenticated_per_second; // 0: no limit
};

// What auth_check() found out. All but `code` is zero unless that is 0.
struct auth_result {
	int code; // 0: authenticated; else 400, 401 or 438 to answer
	bool sha256; // the answer is signed by MESSAGE-INTEGRITY-SHA256
	struct stun_hmac *key; // signs the answer; owned by auth, valid until the next auth_check()
	uint8_t key_bytes[32]; // the same key, for an answer given later; wipe after use
	size_t key_length;
	uint8_t user_hash[16]; // keyed hash of the user: of a REST name, of what follows its expiry
	const uint8_t *user; // points into the message or, behind a USERHASH, to auth's own
	size_t user_length;
};

#define AUTH_NONCE_MAX 64u
#define AUTH_REALM_MAX 127u

// Copies what it needs of the configuration. Returns 0 or a negative errno: -EINVAL too when there is no
// password algorithm that all users have keys by.
int auth_create(struct auth **out, const struct auth_config *config);
// Wipes every key. Takes NULL.
void auth_destroy(struct auth *auth);

// Checks a request in the order of RFC 8489 section 9.2.4:
// 1. neither MESSAGE-INTEGRITY nor MESSAGE-INTEGRITY-SHA256: 401;
// 2. USERNAME or USERHASH, REALM or NONCE missing, or one of all these of impossible length: 400;
// 3. PASSWORD-ALGORITHM without PASSWORD-ALGORITHMS or the reverse, a list that is not ours, an algorithm
//    that is not on it: 400;
// 4. an unknown user, another realm and a wrong integrity: 401 alike, in the same time as far as that goes;
// 5. a nonce that has become stale: 438.
// One difference: a nonce that we never gave to this address gets its 438 after step 2, before any key is
// derived, so that forged requests cost no more than their parsing. Whether the list is ours can only be
// told for a nonce of ours, anyway.
// `now_s` is wall-clock time: REST user names carry one ("expiry:name"), nonces too.
void auth_check(struct auth *auth, const struct stun_message *m, const struct tp_endpoint *from,
	uint64_t now_s, struct auth_result *out);

// The nonce for this client now: NUL-terminated. Returns its length.
size_t auth_nonce(struct auth *auth, const struct tp_endpoint *from, uint64_t now_s,
	char out[AUTH_NONCE_MAX]);
const char *auth_realm(const struct auth *auth);
// The value of PASSWORD-ALGORITHMS that goes with every nonce: what all users have keys by, SHA-256 first.
// Returns its length.
size_t auth_algorithms(const struct auth *auth, const uint8_t **out);

// Whether a stranger from this address (per /32 and /24, or /64 and /48 of IPv6) gets an answer now. Token buckets
// in fixed memory; prefixes that share a bucket share its rate. `now_ms` is monotonic.
bool auth_may_answer(struct auth *auth, const struct tp_ip *from, uint64_t now_ms);
