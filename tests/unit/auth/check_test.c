// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "request.h"

Test(check, a_configured_user_is_let_in_by_password_or_key)
{
	struct auth *auth = auth_of_test();

	cr_assert(check_user(auth, "alice", "wonderland", NOW) == 0);
	cr_assert(check_user(auth, "bob", "secret", NOW) == 0);
	cr_assert(check_user(auth, "alice", "Wonderland", NOW) == 401);
	cr_assert(check_user(auth, "bob", "wonderland", NOW) == 401);
	auth_destroy(auth);
}

Test(check, the_result_tells_user_and_key)
{
	static const uint8_t bob[16] = {0x3d, 0x43, 0xf2, 0x4c, 0x71, 0xb7, 0x1c, 0xdd, 0x4b, 0xe5,
		0x4e, 0x07, 0x21, 0x96, 0x2a, 0x79};
	struct auth *auth = auth_of_test();
	uint8_t got[STUN_SHA1_LENGTH], expected[STUN_SHA1_LENGTH];
	struct auth_result r;
	char nonce[AUTH_NONCE_MAX];

	auth_nonce(auth, &client, NOW, nonce);
	cr_assert(check_at(auth,
			  &(struct request){.user = "bob",
				  .realm = REALM,
				  .nonce = nonce,
				  .password = "secret"},
			  &client, NOW, &r) == 0);
	cr_assert(r.user_length == 3 && memcmp(r.user, "bob", 3) == 0);
	cr_assert(!r.sha256 && r.key_length == 16 && memcmp(r.key_bytes, bob, 16) == 0);
	cr_assert(stun_hmac_sha1(r.key, "x", 1, NULL, 0, got) == 0);
	cr_assert(HMAC(EVP_sha1(), bob, 16, (const uint8_t *)"x", 1, expected, NULL));
	cr_assert(memcmp(got, expected, sizeof(got)) == 0);
	auth_destroy(auth);
}

Test(check, a_failure_leaves_no_key_behind)
{
	static const struct auth_result nothing;
	struct auth *auth = auth_of_test();
	struct auth_result r;
	char nonce[AUTH_NONCE_MAX];

	auth_nonce(auth, &client, NOW, nonce);
	cr_assert(
		check_at(auth,
			&(struct request){
				.user = "alice", .realm = REALM, .nonce = nonce, .password = "no"},
			&client, NOW, &r) == 401);
	cr_assert(r.key == NULL && r.key_length == 0);
	cr_assert(memcmp(r.key_bytes, nothing.key_bytes, sizeof(r.key_bytes)) == 0);
	auth_destroy(auth);
}

// Every combination of what a request may lack, and of what may be wrong in it.
Test(check, the_first_fault_in_the_order_of_the_rfc_decides)
{
	struct auth *auth = auth_of_test();
	char nonce[AUTH_NONCE_MAX];

	auth_nonce(auth, &client, NOW, nonce);
	for (unsigned int fault = 0; fault < 256; fault++) {
		struct request r = {
			.no_integrity = fault & 1,
			.user = fault & 2   ? NULL
				: fault & 4 ? "mallory"
					    : "alice",
			.realm = fault & 8    ? NULL
				 : fault & 16 ? "elsewhere"
					      : REALM,
			.nonce = fault & 32   ? NULL
				 : fault & 64 ? "AAAAAAAAAAAAAAAA"
					      : nonce,
			.password = fault & 128 ? "no" : "wonderland",
		};
		int expected = fault & 1                ? 401
			       : fault & (2 | 8 | 32)   ? 400
			       : fault & 64             ? 438
			       : fault & (4 | 16 | 128) ? 401
							: 0;

		cr_assert(check(auth, &r) == expected, "faults %#x", fault);
	}
	auth_destroy(auth);
}

Test(check, another_realm_is_401_even_under_the_key_of_ours)
{
	struct auth *auth = auth_of_test();
	char nonce[AUTH_NONCE_MAX];
	struct request r = {.user = "alice",
		.realm = "Example.org",
		.nonce = nonce,
		.password = "wonderland",
		.key_realm = REALM};

	auth_nonce(auth, &client, NOW, nonce);
	cr_assert(check(auth, &r) == 401);
	r.realm = "example.or";
	cr_assert(check(auth, &r) == 401);
	r.user = "1900000000:dave";
	r.password = rest_password(secrets[0], r.user);
	cr_assert(check(auth, &r) == 401);
	r.realm = REALM;
	cr_assert(check(auth, &r) == 0);
	auth_destroy(auth);
}

Test(check, an_attribute_of_impossible_length_is_400_after_a_missing_integrity)
{
	struct auth *auth = auth_of_test();
	char nonce[AUTH_NONCE_MAX], text[800];
	struct request r = {.user = "alice", .realm = REALM, .nonce = nonce, .password = "x"};

	memset(text, 'a', sizeof(text));
	text[764] = '\0';
	auth_nonce(auth, &client, NOW, nonce);
	r.realm = text;
	cr_assert(check(auth, &r) == 400);
	r.realm = REALM;
	r.nonce = text;
	cr_assert(check(auth, &r) == 400);
	r.no_integrity = true;
	cr_assert(check(auth, &r) == 401);
	r = (struct request){.user = text, .realm = REALM, .nonce = nonce, .password = "x"};
	cr_assert(check(auth, &r) == 400);
	text[763] = '\0';
	cr_assert(check(auth, &r) == 401, "a long name, but a possible one");
	auth_destroy(auth);
}

Test(check, an_integrity_of_wrong_length_is_400)
{
	static const uint8_t tid[TP_STUN_TID];
	struct auth *auth = auth_of_test();

	for (size_t n = 0; n <= 64; n++) {
		uint8_t bytes[128], value[64] = {0};
		struct stun_writer w;
		struct stun_message m;
		struct auth_result r;

		stun_begin(&w, bytes, sizeof(bytes), TP_STUN_ALLOCATE, TP_STUN_REQUEST, tid);
		stun_put(&w, TP_ATTR_MESSAGE_INTEGRITY, value, n);
		cr_assert(stun_parse(&m, bytes, (size_t)stun_finish(&w)) == 0);
		auth_check(auth, &m, &client, NOW, &r);
		cr_assert(r.code == 400, "and without USERNAME, REALM and NONCE too");
	}
	auth_destroy(auth);
}

// Every pair of a nonce and what else is wrong: a nonce of ours is looked at last.
Test(check, a_nonce_that_was_ours_is_stale_after_all_else_a_foreign_one_before)
{
	struct auth_config config = config_of_test();
	struct auth *auth;
	char nonce[AUTH_NONCE_MAX];

	config.nonce_lifetime_s = 60;
	auth = auth_of(&config);
	auth_nonce(auth, &client, NOW - 61, nonce);
	for (unsigned int fault = 0; fault < 16; fault++) {
		struct request r = {
			.user = fault & 2 ? "mallory" : "alice",
			.realm = fault & 4 ? "elsewhere" : REALM,
			.nonce = fault & 1 ? "AAAAAAAAAAAAAAAA" : nonce,
			.password = fault & 8 ? "no" : "wonderland",
		};
		int expected = fault & 1 ? 438 : fault & (2 | 4 | 8) ? 401 : 438;

		cr_assert(check(auth, &r) == expected, "faults %#x", fault);
	}
	auth_destroy(auth);
}

Test(check, the_user_hash_is_the_same_after_a_restart_and_another_for_others)
{
	struct auth_config config = config_of_test();
	struct auth *first = auth_of(&config), *second = auth_of(&config), *other;
	struct auth_result a, b, c, d;
	char nonce[AUTH_NONCE_MAX];
	struct request r = {
		.user = "alice", .realm = REALM, .nonce = nonce, .password = "wonderland"};

	config.user_key[0] ^= 1;
	other = auth_of(&config);
	auth_nonce(first, &client, NOW, nonce);
	cr_assert(check_at(first, &r, &client, NOW, &a) == 0);
	cr_assert(check_at(second, &r, &client, NOW, &b) == 0);
	cr_assert(check_at(other, &r, &client, NOW, &c) == 0);
	r.user = "bob";
	r.password = "secret";
	cr_assert(check_at(first, &r, &client, NOW, &d) == 0);
	cr_assert(memcmp(a.user_hash, b.user_hash, 16) == 0);
	cr_assert(memcmp(a.user_hash, c.user_hash, 16) != 0);
	cr_assert(memcmp(a.user_hash, d.user_hash, 16) != 0);
	auth_destroy(first);
	auth_destroy(second);
	auth_destroy(other);
}

Test(check, the_long_term_vector_of_rfc_5769_is_let_in_but_for_its_nonce)
{
	struct auth_user matrix = {
		.name = "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9",
		.password = "TheMatrIX"};
	struct auth_config config = {.realm = REALM, .users = &matrix, .users_count = 1};
	struct auth *auth = auth_of(&config);

	cr_assert(check_user(auth, matrix.name, "TheMatrIX", NOW) == 0);
	cr_assert(check(auth, &(struct request){.user = matrix.name,
				      .realm = REALM,
				      .nonce = "f//499k954d6OL34oL9FSTvy64sA",
				      .password = "TheMatrIX"}) == 438);
	auth_destroy(auth);
}
