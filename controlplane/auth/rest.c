// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "rest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "restcache.h"

#define CACHE_DEFAULT 65536u // users
#define PASSWORD_LENGTH 28u // base64 of 20 bytes

struct auth_rest {
	struct auth_restcache *cache;
	size_t secrets_count;
	struct stun_hmac *secrets[];
};

int auth_rest_new(struct auth_rest **out, const struct auth_config *config)
{
	const uint32_t users = config->rest_cache ? config->rest_cache : CACHE_DEFAULT;
	struct auth_rest *rest;
	int err;

	if (config->secrets_count > 1024)
		return -EINVAL;
	rest = calloc(1, sizeof(*rest) + config->secrets_count * sizeof(rest->secrets[0]));
	if (!rest)
		return -ENOMEM;
	for (size_t i = 0; i < config->secrets_count; i++) {
		const char *secret = config->secrets[i];

		err = stun_hmac_new(&rest->secrets[i], (const uint8_t *)secret, strlen(secret));
		if (err < 0)
			goto fail;
		rest->secrets_count++;
	}
	err = rest->secrets_count ? auth_restcache_new(&rest->cache, users) : 0;
	if (err < 0)
		goto fail;
	*out = rest;
	return 0;
fail:
	auth_rest_free(rest);
	return err;
}

void auth_rest_free(struct auth_rest *rest)
{
	if (!rest)
		return;
	for (size_t i = 0; i < rest->secrets_count; i++)
		stun_hmac_free(rest->secrets[i]);
	auth_restcache_free(rest->cache);
	free(rest);
}

bool auth_rest_current(const struct auth_rest *rest, const struct stun_bytes *user, uint64_t now_s)
{
	uint64_t expiry = 0;

	if (!rest->secrets_count)
		return false;
	for (size_t i = 0; i < user->length && user->data[i] != ':'; i++) {
		unsigned int digit = user->data[i] - (unsigned int)'0';

		if (digit > 9 || __builtin_mul_overflow(expiry, 10, &expiry) ||
			__builtin_add_overflow(expiry, digit, &expiry))
			return false;
	}
	return expiry > now_s; // no digits: 0, long past
}

static int derive(struct stun_hmac *secret, const struct stun_bytes *user, struct auth_keys *keys,
	enum auth_algorithm algorithm, uint8_t key[AUTH_KEY_MAX])
{
	uint8_t mac[STUN_SHA1_LENGTH];
	uint8_t password[PASSWORD_LENGTH + 1];
	int err;

	err = stun_hmac_sha1(secret, user->data, user->length, NULL, 0, mac);
	if (err == 0) {
		EVP_EncodeBlock(password, mac, sizeof(mac));
		err = auth_keys_derive(
			keys, algorithm, user->data, user->length, password, PASSWORD_LENGTH, key);
	}
	OPENSSL_cleanse(mac, sizeof(mac));
	OPENSSL_cleanse(password, sizeof(password));
	return err;
}

bool auth_rest_verify(struct auth_rest *rest, const struct stun_message *m,
	const uint8_t hash[AUTH_HASH_LENGTH], struct auth_keys *keys, struct auth_try *try)
{
	// A user may hold passwords of several secrets at once: a miss under the key at hand is not
	// yet a wrong password.
	if (auth_restcache_get(rest->cache, hash, try->algorithm, try->key) &&
		auth_try_verifies(try, m))
		return true;
	for (size_t i = 0; i < rest->secrets_count; i++) {
		if (derive(rest->secrets[i], &m->username, keys, try->algorithm, try->key) < 0 ||
			!auth_try_verifies(try, m))
			continue;
		auth_restcache_put(rest->cache, hash, try->algorithm, try->key);
		return true;
	}
	OPENSSL_cleanse(try->key, sizeof(try->key));
	return false;
}
