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
	nonce[15] ^= 1;
	cr_assert(check(auth, &r) == 438);
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
