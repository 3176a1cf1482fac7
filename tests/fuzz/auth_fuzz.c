// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Whatever a request says about its sender, the verdict is one of four codes, nothing of a key is left of a
// refusal, and only what was signed with a user's key is let in. Input: a byte of switches, then a request.
// With switch 1 its NONCE becomes a good one, with 2 it is signed anew, so that the later checks are reached.
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "../../controlplane/auth/auth.h"
#include "../../controlplane/stun/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REALM "example.org"
#define NOW 1700000000u
#define GOOD_NONCE 1u
#define SIGN 2u
#define BY_SHA256 4u
#define REST 8u // the server knows a REST secret

static const struct tp_endpoint client = {
	.ip = {.w = {0, 0, TP_IP_MAPPED_PREFIX, TP_BE32(0xc0000201)}}, .port = 40000};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static struct auth *servers[2];

// LeakSanitizer does not look into the memory that their secrets are in.
static void end_servers(void)
{
	for (int i = 0; i < 2; i++)
		auth_destroy(servers[i]);
}

static struct auth *server(bool rest)
{
	static const struct auth_user users[] = {{.name = "alice", .password = "wonderland"}};
	static const char *const secrets[] = {"north wind"};
	const struct auth_config config = {.realm = REALM,
		.users = users,
		.users_count = 1,
		.secrets = secrets,
		.secrets_count = rest,
		.rest_cache = 16};

	if (!servers[0] && !servers[1])
		check(atexit(end_servers) == 0);
	if (!servers[rest])
		check(auth_create(&servers[rest], &config) == 0);
	return servers[rest];
}

static struct stun_hmac *alice(bool sha256)
{
	static struct stun_hmac *keys[2];
	static const char text[] = "alice:" REALM ":wonderland";
	uint8_t key[32];
	unsigned int length;

	if (!keys[sha256]) {
		check(EVP_Digest(text, strlen(text), key, &length,
			      sha256 ? EVP_sha256() : EVP_md5(), NULL) == 1);
		check(stun_hmac_new(&keys[sha256], key, length) == 0);
	}
	return keys[sha256];
}

static void copy(struct stun_writer *w, uint16_t type, const struct stun_bytes *value)
{
	if (value->data)
		stun_put(w, type, value->data, value->length);
}

// The request's credentials once more, with a good nonce and signature as the switches say.
static int sign(struct auth *auth, const struct stun_message *m, uint8_t switches, uint8_t *out,
	size_t room)
{
	struct stun_writer w;
	char nonce[AUTH_NONCE_MAX];

	stun_begin(&w, out, room, TP_STUN_ALLOCATE, TP_STUN_REQUEST, m->tid);
	copy(&w, TP_ATTR_USERNAME, &m->username);
	copy(&w, TP_ATTR_USERHASH, &m->userhash);
	copy(&w, TP_ATTR_REALM, &m->realm);
	if (switches & GOOD_NONCE)
		stun_put(&w, TP_ATTR_NONCE, nonce, auth_nonce(auth, &client, NOW, nonce));
	else
		copy(&w, TP_ATTR_NONCE, &m->nonce);
	copy(&w, TP_ATTR_PASSWORD_ALGORITHMS, &m->password_algorithms);
	copy(&w, TP_ATTR_PASSWORD_ALGORITHM, &m->password_algorithm);
	if (switches & SIGN && switches & BY_SHA256)
		stun_put_integrity_sha256(&w, alice(true));
	else if (switches & SIGN)
		stun_put_integrity(&w, alice(false));
	return stun_finish(&w);
}

static void check_result(const struct auth_result *r, bool is_signed)
{
	static const struct auth_result none;
	struct auth_result refused = *r;

	check(r->code == 0 || r->code == 400 || r->code == 401 || r->code == 438);
	if (r->code) {
		refused.code = 0;
		check(memcmp(refused.key_bytes, none.key_bytes, sizeof(none.key_bytes)) == 0);
		check(!refused.key && !refused.key_length && !refused.user && !refused.sha256);
		return;
	}
	check(is_signed); // nobody else knows a key
	check(r->user_length == 5 && memcmp(r->user, "alice", 5) == 0);
	check(r->key && (r->key_length == 16 || r->key_length == 32));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[4096];
	struct stun_message m, again;
	struct auth_result result;
	struct auth *auth;
	int length;

	if (!size || stun_parse(&m, data + 1, size - 1) < 0)
		return 0;
	auth = server(data[0] & REST);
	auth_check(auth, &m, &client, NOW, &result);
	check_result(&result, false);
	length = sign(auth, &m, data[0], bytes, sizeof(bytes));
	if (length < 0)
		return 0; // too long for what is here
	check(stun_parse(&again, bytes, (size_t)length) == 0);
	auth_check(auth, &again, &client, NOW, &result);
	check_result(&result, data[0] & SIGN);
	return 0;
}
