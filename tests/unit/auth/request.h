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
#include "../../../controlplane/auth/key.h"
#include "../../../controlplane/stun/writer.h"

#define REALM "example.org"
#define NOW 1700000000u

static const struct auth_user users[] = {
	{.name = "alice", .password = "wonderland"},
	{.name = "bob", .key = "3d43f24c71b71cdd4be54e0721962a79"}, // MD5("bob:example.org:secret")
	{.name = "1900000000:carol", .password = "configured"},
};
// Of people who are known by name only: the configuration without secrets and bob's MD5 key offers all.
static const struct auth_user named[] = {
	{.name = "alice", .password = "wonderland"},
	{.name = "dora",
		.key = "d3261e1af991d8dd79f17e7e319017d6",
		.key_sha256 = "0e131ffb1713282eb403c22526316d9c788e15b36e21bcbfc20dac3a87f7"
			      "db63"}, // of "dora:example.org:explorer"
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

// Everything is offered: SHA-256, MD5, USERHASH.
static inline struct auth *auth_of_named(void)
{
	struct auth_config config = config_of_test();

	config.users = named;
	config.users_count = sizeof(named) / sizeof(named[0]);
	config.secrets_count = 0;
	return auth_of(&config);
}

static inline struct auth *auth_of_test(void)
{
	const struct auth_config config = config_of_test();

	return auth_of(&config);
}

#define OFFER "\0\2\0\0\0\1\0\0" // SHA-256, MD5
#define SHA256 "\0\2\0\0"
#define MD5 "\0\1\0\0"

// What a request says. A NULL text: the attribute is left out.
struct request {
	const char *user, *realm, *nonce, *password;
	const char *key_realm; // the one that the key is made with; NULL: `realm`
	const char *userhash; // of this name
	const char *list, *one; // PASSWORD-ALGORITHMS and PASSWORD-ALGORITHM, of whole algorithms
	size_t list_length, one_length; // 0: 8 and 4
	enum auth_algorithm by; // that the key is made by; none: MD5
	bool no_integrity; // without MESSAGE-INTEGRITY
	bool sha256; // with MESSAGE-INTEGRITY-SHA256
	bool spoil, spoil_sha256; // an integrity that is wrong
	size_t cut; // MESSAGE-INTEGRITY-SHA256 to so many bytes, 0: whole
};

static inline void put_text(struct stun_writer *w, uint16_t type, const char *text)
{
	if (text)
		stun_put(w, type, text, strlen(text));
}

static inline struct stun_hmac *key_of(
	const char *user, const char *realm, const char *password, enum auth_algorithm by)
{
	const EVP_MD *digest = by == AUTH_SHA256 ? EVP_sha256() : EVP_md5();
	struct stun_hmac *h = NULL;
	uint8_t key[32];
	unsigned int length;
	char text[2048];
	int n = snprintf(
		text, sizeof(text), "%s:%s:%s", user ? user : "", realm ? realm : "", password);

	cr_assert(EVP_Digest(text, (size_t)n, key, &length, digest, NULL) == 1);
	cr_assert(stun_hmac_new(&h, key, length) == 0);
	return h;
}

static inline void put_userhash(struct stun_writer *w, const char *name, const char *realm)
{
	char text[1024];
	uint8_t hash[32];
	int n = snprintf(text, sizeof(text), "%s:%s", name, realm);

	cr_assert(EVP_Digest(text, (size_t)n, hash, NULL, EVP_sha256(), NULL) == 1);
	stun_put(w, TP_ATTR_USERHASH, hash, sizeof(hash));
}

// Signs what is there, with what comes before MESSAGE-INTEGRITY-SHA256 as its whole length has it.
static inline void put_sha256(struct stun_writer *w, struct stun_hmac *key, size_t length)
{
	uint8_t mac[32];
	uint16_t body = (uint16_t)(w->length - TP_STUN_HEADER + 4 + length);

	w->bytes[2] = (uint8_t)(body >> 8);
	w->bytes[3] = (uint8_t)body;
	cr_assert(stun_hmac_sha256(key, w->bytes, w->length, NULL, 0, mac) == 0);
	stun_put(w, TP_ATTR_MESSAGE_INTEGRITY_SHA256, mac, length);
}

static inline int check_at(struct auth *auth, const struct request *r,
	const struct tp_endpoint *from, uint64_t now, struct auth_result *out)
{
	static const uint8_t tid[TP_STUN_TID] = {7};
	static uint8_t bytes[4096]; // auth_result points into it
	struct stun_hmac *key = key_of(r->user ? r->user : r->userhash,
		r->key_realm ? r->key_realm : r->realm, r->password ? r->password : "", r->by);
	struct stun_message m;
	struct stun_writer w;
	int length;

	stun_begin(&w, bytes, sizeof(bytes), TP_STUN_ALLOCATE, TP_STUN_REQUEST, tid);
	stun_put_u32(&w, TP_ATTR_REQUESTED_TRANSPORT, TP_PROTO_UDP << 24);
	put_text(&w, TP_ATTR_USERNAME, r->user);
	if (r->userhash)
		put_userhash(&w, r->userhash, r->realm ? r->realm : REALM);
	put_text(&w, TP_ATTR_REALM, r->realm);
	put_text(&w, TP_ATTR_NONCE, r->nonce);
	if (r->list)
		stun_put(&w, TP_ATTR_PASSWORD_ALGORITHMS, r->list,
			r->list_length ? r->list_length : 8);
	if (r->one)
		stun_put(&w, TP_ATTR_PASSWORD_ALGORITHM, r->one, r->one_length ? r->one_length : 4);
	if (!r->no_integrity)
		stun_put_integrity(&w, key);
	if (r->spoil)
		bytes[w.length - 1] ^= 1;
	if (r->sha256)
		put_sha256(&w, key, r->cut ? r->cut : 32);
	if (r->spoil_sha256)
		bytes[w.length - 1] ^= 1;
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
