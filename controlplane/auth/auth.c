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
#include "secret.h"
#include "siphash.h"
#include "users.h"

struct auth {
	char realm[AUTH_REALM_MAX + 1];
	size_t realm_length;
	uint8_t user_key[16];
	uint8_t person_key[16]; // as user_key, for whom REST names stand for
	uint8_t nobody[AUTH_KEY_MAX]; // verifies requests that can't succeed
	struct auth_nonces nonces;
	struct auth_keys *keys;
	struct auth_users *users;
	struct auth_rest *rest;
	struct auth_limiter *limiter;
	struct stun_hmac *hmac; // rekeyed for each request: one state serves any number of users
	uint8_t offer[8]; // PASSWORD-ALGORITHMS
	size_t offer_length;
};

// Preference is the order (RFC 8489 section 9.2.4). Neither algorithm has parameters.
static int make_offer(struct auth *auth)
{
	static const enum auth_algorithm order[] = {AUTH_SHA256, AUTH_MD5};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!auth_users_all_have(auth->users, order[i]))
			continue;
		auth->offer[auth->offer_length + 1] = (uint8_t)order[i];
		auth->offer_length += 4;
	}
	return auth->offer_length ? 0 : -EINVAL;
}

// A nonce is for the realm and the list that it was told with. USERHASH is offered only where every user is
// known by name beforehand: a REST name is whatever its holder was given.
static void init_nonces(struct auth *auth, const struct auth_config *config)
{
	uint8_t context[AUTH_REALM_MAX + 1 + sizeof(auth->offer)] = {0};
	uint32_t features = AUTH_FEATURE_PASSWORD_ALGORITHMS;

	if (!config->secrets_count)
		features |= AUTH_FEATURE_USERNAME_ANONYMITY;
	memcpy(context, auth->realm, auth->realm_length);
	memcpy(context + auth->realm_length + 1, auth->offer, auth->offer_length);
	auth_nonces_init(&auth->nonces, config->nonce_key, context,
		auth->realm_length + 1 + auth->offer_length, features, config->nonce_lifetime_s);
}

int auth_create(struct auth **out, const struct auth_config *config)
{
	static const char nobody[] = "nobody", person[] = "person";
	struct auth *auth;
	int err;

	auth = secret_take(sizeof(*auth));
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
	err = auth_users_new(&auth->users, config, auth->keys);
	if (!err)
		err = make_offer(auth);
	if (err < 0)
		goto fail;
	init_nonces(auth, config);
	err = auth_rest_new(&auth->rest, config);
	if (err < 0)
		goto fail;
	err = auth_limiter_new(&auth->limiter, config->nonce_key,
		config->unauthenticated_per_second, config->network_unauthenticated_per_second);
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
	secret_give(auth, sizeof(*auth));
}

// The attributes that every signed request has to have. Returns a code or 0.
static int check_presence(const struct stun_message *m)
{
	const uint32_t integrity = STUN_HAS_INTEGRITY | STUN_HAS_INTEGRITY_SHA256;
	const uint32_t needed = STUN_HAS_REALM | STUN_HAS_NONCE;
	const uint32_t user = STUN_HAS_USERNAME | STUN_HAS_USERHASH;

	if (!(m->has & integrity))
		return 401;
	if (m->malformed & (integrity | needed | user))
		return 400;
	if ((m->has & needed) != needed || !(m->has & user))
		return 400;
	return 0;
}

static bool offers(const struct auth *auth, enum auth_algorithm algorithm)
{
	for (size_t i = 0; i < auth->offer_length; i += 4)
		if (auth->offer[i + 1] == algorithm)
			return true;
	return false;
}

// Which algorithm derives the key, by a request with a nonce of ours. AUTH_NO_ALGORITHM: 400.
static enum auth_algorithm choose_algorithm(const struct auth *auth, const struct stun_message *m)
{
	const struct stun_bytes *list = &m->password_algorithms, *one = &m->password_algorithm;

	if (!(m->has & (STUN_HAS_PASSWORD_ALGORITHM | STUN_HAS_PASSWORD_ALGORITHMS)))
		return offers(auth, AUTH_MD5) ? AUTH_MD5 : AUTH_NO_ALGORITHM;
	if (!list->data || list->length != auth->offer_length ||
		memcmp(list->data, auth->offer, auth->offer_length) != 0)
		return AUTH_NO_ALGORITHM;
	for (size_t i = 0; one->data && one->length == 4 && i < auth->offer_length; i += 4)
		if (memcmp(one->data, auth->offer + i, 4) == 0)
			return auth->offer[i + 1];
	return AUTH_NO_ALGORITHM;
}

// What is wrong before a key is looked at. Returns a code or 0; whether the nonce still holds is for later.
static int precheck(const struct auth *auth, const struct stun_message *m,
	enum auth_nonce_state nonce, enum auth_algorithm *algorithm)
{
	const bool one = m->has & STUN_HAS_PASSWORD_ALGORITHM;
	const bool list = m->has & STUN_HAS_PASSWORD_ALGORITHMS;

	if (one != list && auth_nonces_cookie(&auth->nonces, &m->nonce))
		return 400;
	// A client whose NAT gave it another port must hear 438, and tries again.
	if (nonce == AUTH_NONCE_UNKNOWN)
		return 438;
	*algorithm = choose_algorithm(auth, m);
	return *algorithm == AUTH_NO_ALGORITHM ? 400 : 0;
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

// Whether the message's integrity is right under the user's key, which `try` holds then; `out` names the
// user.
static bool verify(struct auth *auth, const struct stun_message *m, uint64_t now_s,
	struct auth_try *try, struct auth_result *out)
{
	const bool ours = m->realm.length == auth->realm_length &&
			  memcmp(m->realm.data, auth->realm, auth->realm_length) == 0;
	const struct auth_known *known;
	bool valid;

	if (m->username.data) {
		siphash128(auth->user_key, m->username.data, m->username.length, out->user_hash);
		known = auth_users_find(auth->users, out->user_hash);
		out->user = m->username.data;
		out->user_length = m->username.length;
		if (ours && !known && auth_rest_current(auth->rest, &m->username, now_s)) {
			valid = auth_rest_verify(auth->rest, m, out->user_hash, auth->keys, try);
			hash_person(auth, &m->username, out->user_hash);
			return valid;
		}
	} else {
		known = auth_users_find_userhash(auth->users, m->userhash.data);
		if (known) {
			memcpy(out->user_hash, known->hash, sizeof(out->user_hash));
			out->user = (const uint8_t *)known->name;
			out->user_length = known->name_length;
		}
	}
	// A user that nobody knows, or another realm's, takes the same work as one that is known.
	memcpy(try->key, known ? auth_known_key(known, try->algorithm) : auth->nobody,
		auth_key_length(try->algorithm));
	valid = auth_try_verifies(try, m);
	return valid && ours && known;
}

static int check(struct auth *auth, const struct stun_message *m, const struct tp_endpoint *from,
	uint64_t now_s, struct auth_try *try, struct auth_result *out)
{
	enum auth_nonce_state nonce;
	int code = check_presence(m);

	if (code)
		return code;
	nonce = auth_nonces_check(&auth->nonces, &m->nonce, from, now_s);
	code = precheck(auth, m, nonce, &try->algorithm);
	if (code)
		return code;
	if (!verify(auth, m, now_s, try, out))
		return 401;
	return nonce == AUTH_NONCE_STALE ? 438 : 0;
}

void auth_check(struct auth *auth, const struct stun_message *m, const struct tp_endpoint *from,
	uint64_t now_s, struct auth_result *out)
{
	struct auth_try try = {.hmac = auth->hmac};
	int code;

	memset(out, 0, sizeof(*out));
	code = check(auth, m, from, now_s, &try, out);
	if (code) {
		OPENSSL_cleanse(out, sizeof(*out));
		out->code = code;
	} else {
		out->sha256 = m->has & STUN_HAS_PASSWORD_ALGORITHM;
		out->key = auth->hmac;
		out->key_length = auth_key_length(try.algorithm);
		memcpy(out->key_bytes, try.key, out->key_length);
	}
	OPENSSL_cleanse(&try, sizeof(try));
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

size_t auth_algorithms(const struct auth *auth, const uint8_t **out)
{
	*out = auth->offer;
	return auth->offer_length;
}

bool auth_may_answer(struct auth *auth, const struct tp_ip *from, uint64_t now_ms)
{
	return auth_limiter_take(auth->limiter, from, now_ms);
}
