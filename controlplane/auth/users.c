// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "secret.h"
#include "siphash.h"

#define NAME_MAX_BYTES 508u // RFC 8489 section 14.3

// Linear probing in tables at most half full. A USERHASH is found by its own keyed hash.
struct auth_users {
	uint8_t user_key[16];
	size_t mask;
	bool all_md5, all_sha256;
	struct {
		uint8_t hash[AUTH_HASH_LENGTH];
		const struct auth_known *user; // NULL: an empty slot
	} * by_userhash;
	struct auth_known table[];
};

static size_t first_of(const struct auth_users *users, const uint8_t hash[AUTH_HASH_LENGTH])
{
	size_t at;

	memcpy(&at, hash, sizeof(at));
	return at & users->mask;
}

static size_t slot(const struct auth_users *users, const uint8_t hash[AUTH_HASH_LENGTH])
{
	size_t at = first_of(users, hash);

	while (users->table[at].name && memcmp(users->table[at].hash, hash, AUTH_HASH_LENGTH) != 0)
		at = (at + 1) & users->mask;
	return at;
}

static size_t userhash_slot(const struct auth_users *users, const uint8_t hash[AUTH_HASH_LENGTH])
{
	size_t at = first_of(users, hash);

	while (users->by_userhash[at].user &&
		memcmp(users->by_userhash[at].hash, hash, AUTH_HASH_LENGTH) != 0)
		at = (at + 1) & users->mask;
	return at;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int key_from_hex(const char *hex, uint8_t *out, size_t length)
{
	if (strlen(hex) != 2 * length)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static int make_keys(
	struct auth_known *u, const struct auth_user *user, size_t length, struct auth_keys *keys)
{
	int err = 0;

	if (user->password) {
		err = auth_keys_derive(keys, AUTH_MD5, user->name, length, user->password,
			strlen(user->password), u->md5);
		if (!err)
			err = auth_keys_derive(keys, AUTH_SHA256, user->name, length,
				user->password, strlen(user->password), u->sha256);
		u->has_md5 = u->has_sha256 = true;
		return err;
	}
	u->has_md5 = user->key;
	u->has_sha256 = user->key_sha256;
	if (!u->has_md5 && !u->has_sha256)
		return -EINVAL;
	if (u->has_md5)
		err = key_from_hex(user->key, u->md5, sizeof(u->md5));
	if (!err && u->has_sha256)
		err = key_from_hex(user->key_sha256, u->sha256, sizeof(u->sha256));
	return err;
}

static int add_userhash(
	struct auth_users *users, const struct auth_known *u, struct auth_keys *keys)
{
	uint8_t userhash[AUTH_USERHASH_LENGTH], hash[AUTH_HASH_LENGTH];
	int err = auth_keys_userhash(keys, u->name, u->name_length, userhash);
	size_t at;

	if (err)
		return err;
	siphash128(users->user_key, userhash, sizeof(userhash), hash);
	at = userhash_slot(users, hash);
	memcpy(users->by_userhash[at].hash, hash, sizeof(hash));
	users->by_userhash[at].user = u;
	return 0;
}

static int add(struct auth_users *users, const struct auth_user *user, struct auth_keys *keys)
{
	const size_t length = user->name ? strlen(user->name) : 0;
	uint8_t hash[AUTH_HASH_LENGTH];
	struct auth_known *u;
	int err;

	if (!length || length > NAME_MAX_BYTES)
		return -EINVAL;
	siphash128(users->user_key, user->name, length, hash);
	u = &users->table[slot(users, hash)];
	if (u->name)
		return -EEXIST;
	err = make_keys(u, user, length, keys);
	if (err < 0)
		return err;
	u->name = strdup(user->name);
	if (!u->name)
		return -ENOMEM;
	u->name_length = (uint16_t)length;
	memcpy(u->hash, hash, sizeof(hash));
	users->all_md5 &= u->has_md5;
	users->all_sha256 &= u->has_sha256;
	return add_userhash(users, u, keys);
}

int auth_users_new(
	struct auth_users **out, const struct auth_config *config, struct auth_keys *keys)
{
	struct auth_users *users;
	size_t slots = 2;
	int err = -ENOMEM;

	if (config->users_count > SIZE_MAX / 4 / sizeof(struct auth_known))
		return -ENOMEM;
	while (slots < 2 * config->users_count)
		slots *= 2;
	users = secret_take(sizeof(*users) + slots * sizeof(struct auth_known));
	if (!users)
		return -ENOMEM;
	users->mask = slots - 1;
	users->all_md5 = users->all_sha256 = true;
	memcpy(users->user_key, config->user_key, sizeof(users->user_key));
	users->by_userhash = calloc(slots, sizeof(*users->by_userhash));
	if (!users->by_userhash)
		goto fail;
	for (size_t i = 0; i < config->users_count; i++) {
		err = add(users, &config->users[i], keys);
		if (err < 0)
			goto fail;
	}
	*out = users;
	return 0;
fail:
	auth_users_free(users);
	return err;
}

void auth_users_free(struct auth_users *users)
{
	if (!users)
		return;
	for (size_t i = 0; i <= users->mask; i++)
		free((char *)users->table[i].name);
	free(users->by_userhash);
	secret_give(users, sizeof(*users) + (users->mask + 1) * sizeof(struct auth_known));
}

bool auth_users_all_have(const struct auth_users *users, enum auth_algorithm algorithm)
{
	return algorithm == AUTH_SHA256 ? users->all_sha256 : users->all_md5;
}

const struct auth_known *auth_users_find(
	const struct auth_users *users, const uint8_t hash[AUTH_HASH_LENGTH])
{
	const struct auth_known *u = &users->table[slot(users, hash)];

	return u->name ? u : NULL;
}

const struct auth_known *auth_users_find_userhash(
	const struct auth_users *users, const uint8_t userhash[AUTH_USERHASH_LENGTH])
{
	uint8_t hash[AUTH_HASH_LENGTH];

	siphash128(users->user_key, userhash, AUTH_USERHASH_LENGTH, hash);
	return users->by_userhash[userhash_slot(users, hash)].user;
}
