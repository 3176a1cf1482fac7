// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "key.h"
#include "limiter.h"
#include "nonce.h"
#include "rest.h"
#include "siphash.h"
#include "users.h"

struct auth {
	char realm[AUTH_REALM_MAX + 1];
	size_t realm_length;
	uint8_t user_key[16];
	uint8_t person_key[16]; // as user_key, for whom REST names stand for
	uint8_t nobody[AUTH_KEY_LENGTH]; // verifies requests that can't succeed
	struct auth_nonces nonces;
	struct auth_keys *keys;
	struct auth_users *users;
	struct auth_rest *rest;
	struct auth_limiter *limiter;
	struct stun_hmac *hmac; // rekeyed for each request: one state serves any number of users
};

int auth_create(struct auth **out, const struct auth_config *config)
{
	static const char nobody[] = "nobody", person[] = "person";
	struct auth *auth;
	int err;

	auth = calloc(1, sizeof(*auth));
	if (!auth)
		return -ENOMEM;
	err = auth_keys_new(&auth->keys, config->realm); // also checks the realm's length
	if (err < 0)
		goto fail;
	auth->realm_length = strlen(config->realm);
	memcpy(auth->realm, config->realm, auth->realm_length);
	memcpy(auth->user_key, config->user_key, sizeof(auth->user_key));
	siphash128(config->user_key, person, sizeof(person), auth->person_key);
	siphash128(config->nonce_key, nobody, sizeof(nobody), auth->nobody);
	auth_nonces_init(&auth->nonces, config->nonce_key, auth->realm, config->nonce_lifetime_s);
	err = auth_users_new(&auth->users, config, auth->keys);
	if (err < 0)
		goto fail;
	err = auth_rest_new(&auth->rest, config);
	if (err < 0)
		goto fail;
	err = auth_limiter_new(
		&auth->limiter, config->nonce_key, config->unauthenticated_per_second);
	if (err < 0)
		goto fail;
	err = stun_hmac_new(&auth->hmac, auth->nobody, sizeof(auth->nobody));
	if (err < 0)
		goto fail;
	*out = auth;
	return 0;
fail:
	auth_destroy(auth);
	return err;
}

void auth_destroy(struct auth *auth)
{
	if (!auth)
		return;
	stun_hmac_free(auth->hmac);
	auth_limiter_free(auth->limiter);
	auth_rest_free(auth->rest);
	auth_users_free(auth->users);
	auth_keys_free(auth->keys);
	OPENSSL_cleanse(auth, sizeof(*auth));
	free(auth);
}

// What is wrong before a key is looked at, in the order of RFC 8489 section 9.2.4. Returns a code
// or 0.
static int precheck(const struct auth *auth, const struct stun_message *m,
	const struct tp_endpoint *from, uint64_t now_s)
{
	const uint32_t needed = STUN_HAS_REALM | STUN_HAS_NONCE;
	const uint32_t user = STUN_HAS_USERNAME | STUN_HAS_USERHASH;

	// MESSAGE-INTEGRITY-SHA256 alone is for clients that were offered SHA-256, which no nonce
	// does.
	if (!(m->has & STUN_HAS_INTEGRITY))
		return 401;
	if (m->malformed & (STUN_HAS_INTEGRITY | needed | user))
		return 400;
	if ((m->has & needed) != needed || !(m->has & user))
		return 400;
	// Before the user: a client whose NAT gave it another port must hear 438, and tries again.
	if (!auth_nonces_valid(&auth->nonces, &m->nonce, from, now_s))
		return 438;
	return 0;
}

// A REST name is a credential, of which one person may have any number: allocations are counted for, and
// belong to, whom it names after its expiry. Under another key than user names are, so that nobody is
// taken for a configured user. A bare expiry stands for itself, without a colon that a person's hash has.
static void hash_person(
	const struct auth *auth, const struct stun_bytes *name, uint8_t hash[AUTH_HASH_LENGTH])
{
	const uint8_t *colon = memchr(name->data, ':', name->length);
	size_t digits = colon ? (size_t)(colon - name->data) : name->length;

	if (digits + 1 < name->length)
		siphash128(auth->person_key, colon, name->length - digits, hash);
	else
		siphash128(auth->person_key, name->data, digits, hash);
}

// Whether the message's integrity is right; then the HMAC state is keyed and `key` is the key, and `hash`,
// which comes as the name's, is the user's.
static bool verify(struct auth *auth, const struct stun_message *m, uint8_t hash[AUTH_HASH_LENGTH],
	uint64_t now_s, uint8_t key[AUTH_KEY_LENGTH])
{
	const bool ours = m->realm.length == auth->realm_length &&
			  memcmp(m->realm.data, auth->realm, auth->realm_length) == 0;
	const uint8_t *known = m->username.data ? auth_users_find(auth->users, hash) : NULL;
	bool valid;

	if (ours && m->username.data && !known &&
		auth_rest_current(auth->rest, &m->username, now_s)) {
		valid = auth_rest_verify(auth->rest, m, hash, auth->keys, auth->hmac, key);
		hash_person(auth, &m->username, hash);
		return valid;
	}
	// A user that nobody knows, or another realm's, takes the same work as one that is known.
	memcpy(key, known ? known : auth->nobody, AUTH_KEY_LENGTH);
	valid = stun_hmac_rekey(auth->hmac, key, AUTH_KEY_LENGTH) == 0 &&
		stun_integrity_valid(m, auth->hmac);
	return valid && ours && known;
}

void auth_check(struct auth *auth, const struct stun_message *m, const struct tp_endpoint *from,
	uint64_t now_s, struct auth_result *out)
{
	memset(out, 0, sizeof(*out));
	out->code = precheck(auth, m, from, now_s);
	if (out->code)
		return;
	out->user = m->username.data;
	out->user_length = m->username.length;
	siphash128(auth->user_key, m->username.data, m->username.length, out->user_hash);
	if (!verify(auth, m, out->user_hash, now_s, out->key_bytes)) {
		OPENSSL_cleanse(out, sizeof(*out));
		out->code = 401;
		return;
	}
	out->key = auth->hmac;
	out->key_length = AUTH_KEY_LENGTH;
}

size_t auth_nonce(
	struct auth *auth, const struct tp_endpoint *from, uint64_t now_s, char out[AUTH_NONCE_MAX])
{
	_Static_assert(AUTH_NONCE_LENGTH < AUTH_NONCE_MAX, "room for the NUL");

	auth_nonces_make(&auth->nonces, from, now_s, out);
	return AUTH_NONCE_LENGTH;
}

const char *auth_realm(const struct auth *auth)
{
	return auth->realm;
}

bool auth_may_answer(struct auth *auth, const struct tp_ip *from, uint64_t now_ms)
{
	return auth_limiter_take(auth->limiter, from, now_ms);
}
