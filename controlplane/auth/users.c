// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "siphash.h"

#define NAME_MAX_BYTES 508u // RFC 8489 section 14.3

struct user {
	uint8_t hash[AUTH_HASH_LENGTH];
	uint8_t key[AUTH_KEY_LENGTH];
	bool used;
};

// Linear probing in a table at most half full.
struct auth_users {
	size_t mask;
	struct user table[];
};

static struct user *slot(struct auth_users *users, const uint8_t hash[AUTH_HASH_LENGTH])
{
	size_t at;

	memcpy(&at, hash, sizeof(at));
	for (at &= users->mask; users->table[at].used; at = (at + 1) & users->mask)
		if (memcmp(users->table[at].hash, hash, AUTH_HASH_LENGTH) == 0)
			break;
	return &users->table[at];
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

static int key_from_hex(const char *hex, uint8_t out[AUTH_KEY_LENGTH])
{
	if (!hex || strlen(hex) != 2 * AUTH_KEY_LENGTH)
		return -EINVAL;
	for (size_t i = 0; i < AUTH_KEY_LENGTH; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static int add(struct auth_users *users, const struct auth_user *user, const uint8_t user_key[16],
	struct auth_keys *keys)
{
	const size_t length = user->name ? strlen(user->name) : 0;
	uint8_t hash[AUTH_HASH_LENGTH];
	struct user *u;
	int err;

	if (!length || length > NAME_MAX_BYTES)
		return -EINVAL;
	siphash128(user_key, user->name, length, hash);
	u = slot(users, hash);
	if (u->used)
		return -EEXIST;
	err = user->password ? auth_keys_derive(keys, user->name, length, user->password,
				       strlen(user->password), u->key)
			     : key_from_hex(user->key, u->key);
	if (err < 0)
		return err;
	memcpy(u->hash, hash, sizeof(hash));
	u->used = true;
	return 0;
}

int auth_users_new(
	struct auth_users **out, const struct auth_config *config, struct auth_keys *keys)
{
	struct auth_users *users;
	size_t slots = 2;

	if (config->users_count > SIZE_MAX / 4 / sizeof(struct user))
		return -ENOMEM;
	while (slots < 2 * config->users_count)
		slots *= 2;
	users = calloc(1, sizeof(*users) + slots * sizeof(struct user));
	if (!users)
		return -ENOMEM;
	users->mask = slots - 1;
	for (size_t i = 0; i < config->users_count; i++) {
		int err = add(users, &config->users[i], config->user_key, keys);

		if (err < 0) {
			auth_users_free(users);
			return err;
		}
	}
	*out = users;
	return 0;
}

void auth_users_free(struct auth_users *users)
{
	if (!users)
		return;
	OPENSSL_cleanse(users->table, (users->mask + 1) * sizeof(struct user));
	free(users);
}

const uint8_t *auth_users_find(const struct auth_users *users, const uint8_t hash[AUTH_HASH_LENGTH])
{
	const struct user *u = slot((struct auth_users *)users, hash);

	return u->used ? u->key : NULL;
}
