// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// PASSWORD-ALGORITHMS, PASSWORD-ALGORITHM and MESSAGE-INTEGRITY-SHA256 (RFC 8489 sections 9.2.4 and 14.6).
#include "request.h"

static struct auth *auth;
static struct auth_result result;
static char nonce[AUTH_NONCE_MAX];

static void init(void)
{
	auth = auth_of_named();
	auth_nonce(auth, &client, NOW, nonce);
}

static void fini(void)
{
	auth_destroy(auth);
}

TestSuite(algorithm, .init = init, .fini = fini);

// As a client of RFC 8489 makes it.
static struct request modern(void)
{
	return (struct request){.user = "alice",
		.realm = REALM,
		.nonce = nonce,
		.password = "wonderland",
		.list = OFFER,
		.one = SHA256,
		.by = AUTH_SHA256,
		.sha256 = true,
		.no_integrity = true};
}

static int ask(const struct request *r)
{
	return check_at(auth, r, &client, NOW, &result);
}

Test(algorithm, the_offer_is_what_every_user_has_a_key_by_sha_256_first)
{
	struct auth_config config = config_of_test();
	struct auth_user user = {.name = "dora"};
	const uint8_t *offer;
	struct auth *other;

	cr_assert(auth_algorithms(auth, &offer) == 8);
	cr_assert(memcmp(offer, OFFER, 8) == 0);
	config.users = &user;
	config.users_count = 1;
	user.key = named[1].key;
	other = auth_of(&config);
	cr_assert(auth_algorithms(other, &offer) == 4);
	cr_assert(memcmp(offer, MD5, 4) == 0);
	auth_destroy(other);
	user.key = NULL;
	user.key_sha256 = named[1].key_sha256;
	other = auth_of(&config);
	cr_assert(auth_algorithms(other, &offer) == 4);
	cr_assert(memcmp(offer, SHA256, 4) == 0);
	auth_destroy(other);
}

Test(algorithm, a_chosen_one_derives_the_key_and_signs_by_sha_256)
{
	struct request r = modern();
	uint8_t got[32], expected[32], key[32];

	cr_assert(ask(&r) == 0);
	cr_assert(result.sha256 && result.key_length == 32);
	cr_assert(EVP_Digest("alice:example.org:wonderland", 28, key, NULL, EVP_sha256(), NULL));
	cr_assert(memcmp(result.key_bytes, key, 32) == 0);
	cr_assert(stun_hmac_sha256(result.key, "x", 1, NULL, 0, got) == 0);
	cr_assert(HMAC(EVP_sha256(), key, 32, (const uint8_t *)"x", 1, expected, NULL));
	cr_assert(memcmp(got, expected, 32) == 0);

	r.one = MD5;
	r.by = AUTH_MD5;
	cr_assert(ask(&r) == 0);
	cr_assert(result.sha256 && result.key_length == 16, "MD5 derives, SHA-256 signs");
	r.by = AUTH_SHA256;
	cr_assert(ask(&r) == 401);
	r.one = SHA256;
	r.by = AUTH_MD5;
	cr_assert(ask(&r) == 401);
}

Test(algorithm, keys_made_beforehand_serve_both)
{
	struct request r = modern();

	r.user = "dora";
	r.password = "explorer";
	cr_assert(ask(&r) == 0);
	r.one = MD5;
	r.by = AUTH_MD5;
	cr_assert(ask(&r) == 0);
	r.password = "other";
	cr_assert(ask(&r) == 401);
}

Test(algorithm, a_rest_user_s_key_comes_by_either_cached_or_not)
{
	struct auth_config config = config_of_test();
	struct auth *rest;
	struct request r = modern();

	config.users_count = 1;
	rest = auth_of(&config);
	auth_nonce(rest, &client, NOW, nonce);
	r.user = "1900000000:erin";
	r.password = rest_password("old secret", r.user);
	for (int i = 0; i < 4; i++) {
		r.one = i & 1 ? MD5 : SHA256;
		r.by = i & 1 ? AUTH_MD5 : AUTH_SHA256;
		cr_assert(check_at(rest, &r, &client, NOW, &result) == 0);
		cr_assert(result.sha256 && result.key_length == (i & 1 ? 16 : 32));
		r.spoil_sha256 = true;
		cr_assert(check_at(rest, &r, &client, NOW, &result) == 401);
		r.spoil_sha256 = false;
	}
	auth_destroy(rest);
}

Test(algorithm, neither_attribute_means_md5_and_an_answer_by_sha_1)
{
	struct request r = modern();

	r.list = r.one = NULL;
	r.by = AUTH_MD5;
	cr_assert(ask(&r) == 0);
	cr_assert(!result.sha256 && result.key_length == 16, "even to MESSAGE-INTEGRITY-SHA256");
	r.no_integrity = r.sha256 = false;
	cr_assert(ask(&r) == 0);
	cr_assert(!result.sha256 && result.key_length == 16);
	r.by = AUTH_SHA256;
	cr_assert(ask(&r) == 401);
}

Test(algorithm, neither_attribute_is_400_where_md5_is_not_offered)
{
	struct auth_config config = config_of_test();
	struct auth_user dora = {.name = "dora", .key_sha256 = named[1].key_sha256};
	struct request r = modern();
	struct auth *strict;

	config.users = &dora;
	config.users_count = 1;
	strict = auth_of(&config);
	auth_nonce(strict, &client, NOW, nonce);
	r.user = "dora";
	r.password = "explorer";
	r.list = SHA256;
	r.list_length = 4;
	cr_assert(check_at(strict, &r, &client, NOW, &result) == 0);
	r.list = r.one = NULL;
	cr_assert(check_at(strict, &r, &client, NOW, &result) == 400);
	auth_destroy(strict);
}

Test(algorithm, one_attribute_without_the_other_is_400)
{
	struct request r = modern();

	r.list = NULL;
	cr_assert(ask(&r) == 400);
	r = modern();
	r.one = NULL;
	cr_assert(ask(&r) == 400);
	r.nonce = "obMatJos2AAADAAAAAAAAAAAAAAA";
	cr_assert(ask(&r) == 400, "whatever follows the cookie");
	r.nonce = "obMatJos2AAACAAAAAAAAAAAAAAA";
	cr_assert(ask(&r) == 438, "another cookie");
}

// Bid-down: whoever takes SHA-256 from the list that the client sees makes it send another one.
Test(algorithm, a_list_other_than_ours_is_400)
{
	static const struct {
		const char *bytes;
		size_t length;
	} lists[] = {{MD5, 4}, {SHA256, 4}, {MD5 SHA256, 8}, {SHA256 SHA256, 8}, {OFFER MD5, 12},
		{"\0\2\0\0\0\1\0\1", 8}, {"\0\2\0\0\0\3\0\0", 8}, {"\0\2\0\0\0\1", 6},
		{"\0\2\0\4zzzz\0\1\0\0", 12}};
	struct request r = modern();

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		r.list = lists[i].bytes;
		r.list_length = lists[i].length;
		cr_assert(ask(&r) == 400, "list %zu", i);
	}
}

Test(algorithm, one_that_is_not_on_the_list_is_400)
{
	static const struct {
		const char *bytes;
		size_t length;
	} ones[] = {{"\0\0\0\0", 4}, {"\0\3\0\0", 4}, {"\1\2\0\0", 4}, {"\0\2\0\1", 4},
		{"\0\2\0\4zzzz", 8}, {"\0\2", 2}, {OFFER, 8}};
	struct request r = modern();

	for (size_t i = 0; i < sizeof(ones) / sizeof(ones[0]); i++) {
		r.one = ones[i].bytes;
		r.one_length = ones[i].length;
		cr_assert(ask(&r) == 400, "one %zu", i);
	}
}

Test(algorithm, where_both_integrities_are_present_sha_256_decides)
{
	struct request r = modern();

	r.no_integrity = false;
	cr_assert(ask(&r) == 0);
	r.spoil = true;
	cr_assert(ask(&r) == 0);
	r.spoil = false;
	r.spoil_sha256 = true;
	cr_assert(ask(&r) == 401);
}

Test(algorithm, sha_1_with_a_chosen_algorithm_is_let_in_and_answered_by_sha_256)
{
	struct request r = modern();

	r.no_integrity = r.sha256 = false;
	cr_assert(ask(&r) == 0);
	cr_assert(result.sha256 && result.key_length == 32);
	r.spoil = true;
	cr_assert(ask(&r) == 401);
}

Test(algorithm, a_sha_256_integrity_may_be_cut_to_16_bytes_in_steps_of_4)
{
	for (size_t n = 4; n <= 32; n++) {
		struct request r = modern();
		int expected = n >= 16 && n % 4 == 0 ? 0 : 400;

		r.cut = n;
		cr_assert(ask(&r) == expected, "%zu bytes", n);
		r.spoil_sha256 = n % 4 == 0;
		cr_assert(ask(&r) == (expected || n % 4 ? 400 : 401), "%zu bytes", n);
	}
}
