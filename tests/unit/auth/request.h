// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Requests as clients make them, and a server to check them.
#pragma once

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "../../../controlplane/auth/auth.h"
#include "../../../controlplane/stun/writer.h"

#define REALM "example.org"
#define NOW 1700000000u

static const struct auth_user users[] = {
	{.name = "alice", .password = "wonderland"},
	{.name = "bob", .key = "3d43f24c71b71cdd4be54e0721962a79"}, // MD5("bob:example.org:secret")
	{.name = "1900000000:carol", .password = "configured"},
};
static const char *const secrets[] = {"new secret", "old secret"};
static const struct tp_endpoint client = {
	.ip = {.w = {0, 0, TP_IP_MAPPED_PREFIX, TP_BE32(0xc0000201)}}, .port = 40000};

static inline struct auth_config config_of_test(void)
{
	return (struct auth_config){.realm = REALM,
		.users = users,
		.users_count = sizeof(users) / sizeof(users[0]),
		.secrets = secrets,
		.secrets_count = sizeof(secrets) / sizeof(secrets[0]),
		.nonce_key = "nonce key 123456",
		.user_key = "user key 1234567",
		.rest_cache = 64};
}

static inline struct auth *auth_of(const struct auth_config *config)
{
	struct auth *auth = NULL;

	cr_assert(auth_create(&auth, config) == 0);
	return auth;
}

static inline struct auth *auth_of_test(void)
{
	const struct auth_config config = config_of_test();

	return auth_of(&config);
}

// What a request says. A NULL text: the attribute is left out.
struct request {
	const char *user, *realm, *nonce, *password;
	const char *key_realm; // the one that the key is made with; NULL: `realm`
	bool userhash, sha256, no_integrity;
};

static inline void put_text(struct stun_writer *w, uint16_t type, const char *text)
{
	if (text)
		stun_put(w, type, text, strlen(text));
}

static inline struct stun_hmac *key_of(const char *user, const char *realm, const char *password)
{
	struct stun_hmac *h = NULL;
	uint8_t md5[16];
	char text[2048];
	int n = snprintf(
		text, sizeof(text), "%s:%s:%s", user ? user : "", realm ? realm : "", password);

	cr_assert(EVP_Digest(text, (size_t)n, md5, NULL, EVP_md5(), NULL) == 1);
	cr_assert(stun_hmac_new(&h, md5, sizeof(md5)) == 0);
	return h;
}

static inline int check_at(struct auth *auth, const struct request *r,
	const struct tp_endpoint *from, uint64_t now, struct auth_result *out)
{
	static const uint8_t tid[TP_STUN_TID] = {7};
	static uint8_t bytes[2048]; // auth_result points into it
	struct stun_hmac *key = key_of(
		r->user, r->key_realm ? r->key_realm : r->realm, r->password ? r->password : "");
	struct stun_message m;
	struct stun_writer w;
	int length;

	stun_begin(&w, bytes, sizeof(bytes), TP_STUN_ALLOCATE, TP_STUN_REQUEST, tid);
	stun_put_u32(&w, TP_ATTR_REQUESTED_TRANSPORT, TP_PROTO_UDP << 24);
	put_text(&w, TP_ATTR_USERNAME, r->user);
	if (r->userhash)
		stun_put(&w, TP_ATTR_USERHASH, "01234567890123456789012345678901", 32);
	put_text(&w, TP_ATTR_REALM, r->realm);
	put_text(&w, TP_ATTR_NONCE, r->nonce);
	if (!r->no_integrity)
		stun_put_integrity(&w, key);
	if (r->sha256)
		stun_put(&w, TP_ATTR_MESSAGE_INTEGRITY_SHA256, "01234567890123456789012345678901",
			32);
	length = stun_finish(&w);
	cr_assert(length > 0);
	cr_assert(stun_parse(&m, bytes, (size_t)length) == 0);
	auth_check(auth, &m, from, now, out);
	stun_hmac_free(key);
	return out->code;
}

static inline int check(struct auth *auth, const struct request *r)
{
	struct auth_result result;

	return check_at(auth, r, &client, NOW, &result);
}

// As `user`, with a nonce made for `client` at NOW.
static inline int check_user(
	struct auth *auth, const char *user, const char *password, uint64_t now)
{
	struct auth_result result;
	char nonce[AUTH_NONCE_MAX];
	struct request r = {.user = user, .realm = REALM, .nonce = nonce, .password = password};

	auth_nonce(auth, &client, now, nonce);
	return check_at(auth, &r, &client, now, &result);
}

static inline const char *rest_password(const char *secret, const char *user)
{
	static char password[64];
	uint8_t mac[20];

	cr_assert(HMAC(EVP_sha1(), secret, (int)strlen(secret), (const uint8_t *)user, strlen(user),
		mac, NULL));
	EVP_EncodeBlock((uint8_t *)password, mac, sizeof(mac));
	return password;
}
