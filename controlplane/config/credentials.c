// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// realm, users and secrets. No sentence here ever holds a password, key or secret.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "opaque.h"
#include "resolve.h"

// A text as the key is made from it, in *out; complains where it can't be one. Returns 0 or -ENOMEM.
static int prepare(const char *text, char **out, const char *path, struct place *place)
{
	int err = opaque_string(text, out);

	if (err != -EINVAL)
		return err;
	place_complain(place, path,
		"has a character that can't be part of it (RFC 8265): a control character, or one "
		"that is unassigned or invisible.");
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

static int resolve_realm(struct config *config, const struct raw *raw, struct place *place)
{
	size_t length;

	if (prepare(raw->realm ? raw->realm : "turnpike", &config->realm, "realm", place) < 0)
		return -ENOMEM;
	length = strlen(config->realm);
	if (!length)
		place_complain(place, "realm", "is empty; give it a name, such as your domain.");
	if (strpbrk(config->realm, "\"\\"))
		place_complain(place, "realm", "can't have quotes or backslashes.");
	if (length > CONFIG_REALM_MAX)
		place_complain(place, "realm",
			"%zu bytes are too many: with more than %u a 401 exceeds 120 bytes, and "
			"amplifies what is sent from forged addresses.",
			length, CONFIG_REALM_MAX);
	return 0;
}

// A key, if there is one, into *out. Returns 0 or -ENOMEM.
static int resolve_key(const char *text, size_t digits, const char *digest, const struct raw *raw,
	const char *path, char **out, struct place *place)
{
	if (!text)
		return 0;
	if (strlen(text) != digits || strspn(text, "0123456789abcdefABCDEF") != digits)
		place_complain(place, path,
			"must be the %zu hex digits of %s(name:realm:password).", digits, digest);
	if (!raw->realm)
		place_complain(place, path,
			"is made for one realm, which `realm` must name; there is none.");
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

static int resolve_name(
	struct config *config, const struct raw_user *r, uint32_t i, struct place *place)
{
	char **name = &config->users[i].name;
	char path[64];

	snprintf(path, sizeof(path), "users[%u].name", i);
	if (!r->name) {
		place_complain(place, path, "is missing.");
		return 0;
	}
	if (prepare(r->name, name, path, place) < 0)
		return -ENOMEM;
	if (!**name || strlen(*name) > CONFIG_USER_MAX)
		place_complain(place, path, "must have 1 to %u bytes.", CONFIG_USER_MAX);
	for (uint32_t j = 0; j < i; j++)
		if (config->users[j].name && strcmp(config->users[j].name, *name) == 0) {
			place_complain(
				place, path, "\"%s\" is the name of users[%u] already.", *name, j);
			break;
		}
	return 0;
}

static int resolve_user(
	struct config *config, const struct raw *raw, uint32_t i, struct place *place)
{
	const struct raw_user *r = &raw->users[i];
	struct config_user *u = &config->users[i];
	char path[64];
	int err = resolve_name(config, r, i, place);

	snprintf(path, sizeof(path), "users[%u]", i);
	if (!r->password && !r->key && !r->key_sha256)
		place_complain(place, path, "needs a password or a key.");
	if (r->password && (r->key || r->key_sha256))
		place_complain(place, path, "has a password and a key; one of them must go.");
	snprintf(path, sizeof(path), "users[%u].password", i);
	if (r->password && !*r->password)
		place_complain(place, path, "is empty.");
	if (!err && r->password)
		err = prepare(r->password, &u->password, path, place);
	snprintf(path, sizeof(path), "users[%u].key", i);
	if (!err)
		err = resolve_key(r->key, 32, "MD5", raw, path, &u->key, place);
	snprintf(path, sizeof(path), "users[%u].key_sha256", i);
	if (!err)
		err = resolve_key(r->key_sha256, 64, "SHA-256", raw, path, &u->key_sha256, place);
	return err;
}

// A 401 offers what every user can do, before it is known who asks.
static void check_algorithms(const struct config *config, struct place *place)
{
	const struct config_user *md5 = NULL, *sha256 = NULL;
	size_t i;

	for (i = 0; i < config->users_count; i++) {
		const struct config_user *u = &config->users[i];

		if (u->key && !u->key_sha256)
			md5 = u;
		if (!u->key && u->key_sha256)
			sha256 = u;
	}
	if (md5 && sha256)
		place_complain(place, "users",
			"users[%zu] has an MD5 key only and users[%zu] a SHA-256 key only, so "
			"there "
			"is no algorithm that all can use; give one of them both keys.",
			(size_t)(md5 - config->users), (size_t)(sha256 - config->users));
}

int resolve_credentials(struct config *config, const struct raw *raw, struct place *place)
{
	char path[64];

	config->users = calloc(raw->users_count + 1, sizeof(*config->users));
	config->secrets = calloc(raw->secrets_count + 1, sizeof(*config->secrets));
	if (!config->users || !config->secrets || resolve_realm(config, raw, place) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < raw->users_count; i++) {
		config->users_count++;
		if (resolve_user(config, raw, i, place) < 0)
			return -ENOMEM;
	}
	check_algorithms(config, place);
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
