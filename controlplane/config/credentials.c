// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// realm, users and secrets. No sentence here ever holds a password, key or secret.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"

static int resolve_realm(struct config *config, const struct raw *raw, struct place *place)
{
	size_t length = raw->realm ? strlen(raw->realm) : 1;

	config->realm = strdup(raw->realm ? raw->realm : "turnpike");
	if (!config->realm)
		return -ENOMEM;
	if (!length)
		place_complain(place, "realm", "is empty; give it a name, such as your domain.");
	if (length > CONFIG_REALM_MAX)
		place_complain(place, "realm",
			"%zu bytes are too many: with more than %u a 401 exceeds 120 bytes, and "
			"amplifies what is sent from forged addresses.",
			length, CONFIG_REALM_MAX);
	return 0;
}

static bool is_key(const char *text)
{
	return strlen(text) == 32 && strspn(text, "0123456789abcdefABCDEF") == 32;
}

static void check_user(const struct raw *raw, uint32_t i, struct place *place)
{
	const struct raw_user *u = &raw->users[i];
	char path[64];

	snprintf(path, sizeof(path), "users[%u].name", i);
	if (!u->name)
		place_complain(place, path, "is missing.");
	else if (!*u->name || strlen(u->name) > CONFIG_USER_MAX)
		place_complain(place, path, "must have 1 to %u bytes.", CONFIG_USER_MAX);
	for (uint32_t j = 0; u->name && j < i; j++)
		if (raw->users[j].name && strcmp(raw->users[j].name, u->name) == 0) {
			place_complain(place, path, "\"%s\" is the name of users[%u] already.",
				u->name, j);
			break;
		}

	snprintf(path, sizeof(path), "users[%u]", i);
	if (!u->password && !u->key)
		place_complain(place, path, "needs a password or a key.");
	if (u->password && u->key)
		place_complain(place, path, "has a password and a key; one of them must go.");
	snprintf(path, sizeof(path), "users[%u].password", i);
	if (u->password && !*u->password)
		place_complain(place, path, "is empty.");
	snprintf(path, sizeof(path), "users[%u].key", i);
	if (u->key && !is_key(u->key))
		place_complain(
			place, path, "must be the 32 hex digits of MD5(name:realm:password).");
	if (u->key && !raw->realm)
		place_complain(place, path,
			"is made for one realm, which `realm` must name; there is none.");
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

int resolve_credentials(struct config *config, const struct raw *raw, struct place *place)
{
	char path[64];

	config->users = calloc(raw->users_count + 1, sizeof(*config->users));
	config->secrets = calloc(raw->secrets_count + 1, sizeof(*config->secrets));
	if (!config->users || !config->secrets || resolve_realm(config, raw, place) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < raw->users_count; i++) {
		struct config_user *u = &config->users[config->users_count++];

		check_user(raw, i, place);
		u->name = copy(raw->users[i].name);
		u->password = copy(raw->users[i].password);
		u->key = copy(raw->users[i].key);
		if ((raw->users[i].name && !u->name) || (raw->users[i].password && !u->password) ||
			(raw->users[i].key && !u->key))
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < raw->secrets_count; i++) {
		snprintf(path, sizeof(path), "secrets[%u]", i);
		if (!*raw->secrets[i])
			place_complain(place, path, "is empty: anyone could make credentials.");
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(raw->secrets[i], raw->secrets[j]) == 0) {
				place_complain(place, path, "is the same as secrets[%u].", j);
				break;
			}
		config->secrets[config->secrets_count] = strdup(raw->secrets[i]);
		if (!config->secrets[config->secrets_count++])
			return -ENOMEM;
	}
	return 0;
}
