// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "auth.h"

struct auth_keys {
	EVP_MD_CTX *md5;
	EVP_MD_CTX *sha256;
	size_t middle_length;
	char middle[AUTH_REALM_MAX + 2]; // ":" realm ":"
};

static int new_context(EVP_MD_CTX **out, const char *name)
{
	EVP_MD *digest = EVP_MD_fetch(NULL, name, NULL);
	int ready;

	if (!digest)
		return -ENOTSUP;
	*out = EVP_MD_CTX_new();
	ready = *out && EVP_DigestInit_ex2(*out, digest, NULL) == 1;
	EVP_MD_free(digest); // the context holds its own reference
	return ready ? 0 : -ENOMEM;
}

int auth_keys_new(struct auth_keys **out, const char *realm)
{
	const size_t length = strlen(realm);
	struct auth_keys *keys;
	int err;

	if (!length || length > AUTH_REALM_MAX)
		return -EINVAL;
	keys = calloc(1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	keys->middle[0] = ':';
	memcpy(keys->middle + 1, realm, length);
	keys->middle[length + 1] = ':';
	keys->middle_length = length + 2;
	err = new_context(&keys->md5, "MD5");
	if (!err)
		err = new_context(&keys->sha256, "SHA256");
	if (err < 0) {
		auth_keys_free(keys);
		return err;
	}
	*out = keys;
	return 0;
}

void auth_keys_free(struct auth_keys *keys)
{
	if (!keys)
		return;
	EVP_MD_CTX_free(keys->md5);
	EVP_MD_CTX_free(keys->sha256);
	free(keys);
}

int auth_keys_derive(struct auth_keys *keys, enum auth_algorithm algorithm, const void *user,
	size_t user_length, const void *password, size_t password_length, uint8_t *out)
{
	EVP_MD_CTX *ctx = algorithm == AUTH_SHA256 ? keys->sha256 : keys->md5;
	unsigned int length = 0;

	if (EVP_DigestInit_ex2(ctx, NULL, NULL) != 1 ||
		EVP_DigestUpdate(ctx, user, user_length) != 1 ||
		EVP_DigestUpdate(ctx, keys->middle, keys->middle_length) != 1 ||
		EVP_DigestUpdate(ctx, password, password_length) != 1 ||
		EVP_DigestFinal_ex(ctx, out, &length) != 1 ||
		length != auth_key_length(algorithm) ||
		// Its state is the key.
		EVP_DigestInit_ex2(ctx, NULL, NULL) != 1)
		return -EIO;
	return 0;
}

int auth_keys_userhash(struct auth_keys *keys, const void *user, size_t user_length,
	uint8_t out[AUTH_USERHASH_LENGTH])
{
	unsigned int length = 0;

	if (EVP_DigestInit_ex2(keys->sha256, NULL, NULL) != 1 ||
		EVP_DigestUpdate(keys->sha256, user, user_length) != 1 ||
		EVP_DigestUpdate(keys->sha256, keys->middle, keys->middle_length - 1) != 1 ||
		EVP_DigestFinal_ex(keys->sha256, out, &length) != 1 ||
		length != AUTH_USERHASH_LENGTH)
		return -EIO;
	return 0;
}
