// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <malloc.h>

#include "request.h"

static int rest_at(struct auth *auth, const char *secret, const char *user, uint64_t now)
{
	return check_user(auth, user, rest_password(secret, user), now);
}

Test(rest, a_name_with_expiry_is_let_in_under_every_secret_again_and_again)
{
	struct auth *auth = auth_of_test();

	for (unsigned int i = 0; i < 3; i++) {
		cr_assert(rest_at(auth, "new secret", "1700000001:dave", NOW) == 0);
		cr_assert(rest_at(auth, "old secret", "1700000001:dave", NOW) == 0);
		cr_assert(rest_at(auth, "old secret", "1700000001", NOW) == 0);
		cr_assert(rest_at(auth, "new secret", "1700000001:", NOW) == 0);
		cr_assert(rest_at(auth, "new secret", "18446744073709551615:a:b", NOW) == 0);
		cr_assert(rest_at(auth, "bad secret", "1700000001:dave", NOW) == 401);
	}
	auth_destroy(auth);
}

Test(rest, a_secret_that_was_taken_away_opens_nothing)
{
	struct auth_config config = config_of_test();
	struct auth *auth;

	config.secrets_count = 1;
	auth = auth_of(&config);
	cr_assert(rest_at(auth, "new secret", "1700000001:dave", NOW) == 0);
	cr_assert(rest_at(auth, "old secret", "1700000001:dave", NOW) == 401);
	auth_destroy(auth);
	config.secrets_count = 0;
	auth = auth_of(&config);
	cr_assert(rest_at(auth, "new secret", "1700000001:dave", NOW) == 401);
	auth_destroy(auth);
}

Test(rest, a_name_is_let_in_until_its_expiry_to_the_second_cached_or_not)
{
	struct auth *auth = auth_of_test();

	cr_assert(rest_at(auth, "new secret", "1700000010:dave", NOW + 10) == 401);
	cr_assert(rest_at(auth, "new secret", "1700000010:dave", NOW + 9) == 0);
	cr_assert(rest_at(auth, "new secret", "1700000010:dave", NOW + 10) == 401);
	cr_assert(rest_at(auth, "new secret", "1700000010:dave", NOW + 9) == 0);
	auth_destroy(auth);
}

Test(rest, a_name_without_a_number_in_front_is_no_rest_name)
{
	static const char *const names[] = {"dave", ":dave", "", "x1900000000:dave",
		"1900000000x:dave", "-1900000000:dave", "+1900000000", " 1900000000:dave",
		"dave:1900000000", "18446744073709551616:dave", "99999999999999999999999:dave",
		"0"};
	struct auth *auth = auth_of_test();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert(rest_at(auth, "new secret", names[i], NOW) == 401, "%s", names[i]);
	auth_destroy(auth);
}

Test(rest, a_configured_name_comes_before_its_rest_reading)
{
	struct auth *auth = auth_of_test();

	cr_assert(check_user(auth, "1900000000:carol", "configured", NOW) == 0);
	cr_assert(rest_at(auth, "new secret", "1900000000:carol", NOW) == 401);
	auth_destroy(auth);
}

Test(rest, another_realm_or_nonce_is_refused_before_the_cache_is_asked)
{
	struct auth *auth = auth_of_test();
	const char *user = "1900000000:dave", *password = rest_password("new secret", user);
	char nonce[AUTH_NONCE_MAX];
	struct request r = {.user = user, .realm = "elsewhere", .nonce = nonce};

	cr_assert(check_user(auth, user, password, NOW) == 0);
	r.password = password;
	auth_nonce(auth, &client, NOW, nonce);
	cr_assert(check(auth, &r) == 401);
	r.realm = REALM;
	cr_assert(check(auth, &r) == 0);
	nonce[20] ^= 1;
	cr_assert(check(auth, &r) == 438);
	auth_destroy(auth);
}

static void hash_of(
	struct auth *auth, const char *user, const char *password, uint64_t now, uint8_t hash[16])
{
	struct auth_result result;
	char nonce[AUTH_NONCE_MAX];
	struct request r = {.user = user, .password = password, .realm = REALM, .nonce = nonce};

	auth_nonce(auth, &client, now, nonce);
	check_at(auth, &r, &client, now, &result);
	cr_assert(result.code == 0, "%s", user);
	memcpy(hash, result.user_hash, 16);
}

Test(rest, a_name_stands_for_the_person_behind_its_expiry)
{
	static const char *const same[][2] = {{"1700000001:dave", "1900000000:dave"},
		{"1700000001:a:b", "1700000002:a:b"}, {"1700000001:", "1700000001"},
		{"1700000001:0", "01700000001:0"}};
	static const char *const other[][2] = {{"1700000001:dave", "1700000001:erin"},
		{"1700000001", "1700000002"}, {"1700000001:1700000002", "1700000002"},
		{"1700000001:a:b", "1700000001:b"}};
	struct auth *auth = auth_of_test();
	uint8_t a[16], b[16];

	for (size_t i = 0; i < 4; i++) {
		hash_of(auth, same[i][0], rest_password("new secret", same[i][0]), NOW, a);
		hash_of(auth, same[i][1], rest_password("old secret", same[i][1]), NOW, b);
		cr_expect(memcmp(a, b, 16) == 0, "%s, %s", same[i][0], same[i][1]);
		hash_of(auth, other[i][0], rest_password("new secret", other[i][0]), NOW, a);
		hash_of(auth, other[i][1], rest_password("new secret", other[i][1]), NOW, b);
		cr_expect(memcmp(a, b, 16) != 0, "%s, %s", other[i][0], other[i][1]);
	}
	auth_destroy(auth);
}

Test(rest, a_person_is_no_configured_user_of_the_same_name)
{
	struct auth *auth = auth_of_test();
	uint8_t person[16], configured[16];

	hash_of(auth, "1700000001:alice", rest_password("new secret", "1700000001:alice"), NOW,
		person);
	hash_of(auth, "alice", "wonderland", NOW, configured);
	cr_expect(memcmp(person, configured, 16) != 0);
	hash_of(auth, "1900000000:carol", "configured", NOW, configured);
	hash_of(auth, "1900000001:carol", rest_password("new secret", "1900000001:carol"), NOW,
		person);
	cr_expect(memcmp(person, configured, 16) != 0);
	auth_destroy(auth);
}

// Memory is measured from the second round on: the first fills malloc's own caches.
Test(rest, users_beyond_the_cache_are_let_in_and_take_no_memory)
{
	struct auth *auth = auth_of_test(); // a cache of 64
	size_t before = 0;

	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 1000; i++) {
			char user[32];

			snprintf(user, sizeof(user), "1900000000:user%u-%u", i, round);
			cr_assert(rest_at(auth, "old secret", user, NOW) == 0);
			cr_assert(rest_at(auth, "bad secret", user, NOW) == 401);
		}
		if (round == 1)
			before = mallinfo2().uordblks;
	}
	cr_assert(mallinfo2().uordblks == before);
	auth_destroy(auth);
}
