// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "auth.h"

struct auth_keys {
	EVP_MD_CTX *ctx;
	size_t middle_length;
	char middle[AUTH_REALM_MAX + 2]; // ":" realm ":"
};

int auth_keys_new(struct auth_keys **out, const char *realm)
{
	const size_t length = strlen(realm);
	struct auth_keys *keys;
	EVP_MD *md5;
	int err = -ENOMEM;

	if (!length || length > AUTH_REALM_MAX)
		return -EINVAL;
	keys = calloc(1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	keys->middle[0] = ':';
	memcpy(keys->middle + 1, realm, length);
	keys->middle[length + 1] = ':';
	keys->middle_length = length + 2;

	md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	if (!md5) {
		err = -ENOTSUP;
		goto fail;
	}
	keys->ctx = EVP_MD_CTX_new();
	if (!keys->ctx || EVP_DigestInit_ex2(keys->ctx, md5, NULL) != 1)
		goto fail;
	EVP_MD_free(md5); // the context holds its own reference
	*out = keys;
	return 0;
fail:
	EVP_MD_free(md5);
	auth_keys_free(keys);
	return err;
}

void auth_keys_free(struct auth_keys *keys)
{
	if (!keys)
		return;
	EVP_MD_CTX_free(keys->ctx);
	free(keys);
}

int auth_keys_derive(struct auth_keys *keys, const void *user, size_t user_length,
	const void *password, size_t password_length, uint8_t out[AUTH_KEY_LENGTH])
{
	unsigned int length = 0;

	if (EVP_DigestInit_ex2(keys->ctx, NULL, NULL) != 1 ||
		EVP_DigestUpdate(keys->ctx, user, user_length) != 1 ||
		EVP_DigestUpdate(keys->ctx, keys->middle, keys->middle_length) != 1 ||
		EVP_DigestUpdate(keys->ctx, password, password_length) != 1 ||
		EVP_DigestFinal_ex(keys->ctx, out, &length) != 1 || length != AUTH_KEY_LENGTH)
		return -EIO;
	return 0;
}
