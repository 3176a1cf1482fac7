// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// USERHASH (RFC 8489 section 14.4).
#include "request.h"

static struct auth_result result;

static int ask(struct auth *auth, const char *name, const char *password)
{
	char nonce[AUTH_NONCE_MAX];
	struct request r = {.userhash = name,
		.realm = REALM,
		.nonce = nonce,
		.password = password,
		.list = OFFER,
		.one = SHA256,
		.by = AUTH_SHA256,
		.sha256 = true,
		.no_integrity = true};

	auth_nonce(auth, &client, NOW, nonce);
	return check_at(auth, &r, &client, NOW, &result);
}

Test(userhash, stands_for_a_configured_user_and_tells_the_name)
{
	struct auth *auth = auth_of_named();
	struct auth_result by_name;
	char nonce[AUTH_NONCE_MAX];

	cr_assert(ask(auth, "dora", "explorer") == 0);
	cr_assert(result.user_length == 4 && memcmp(result.user, "dora", 4) == 0);
	auth_nonce(auth, &client, NOW, nonce);
	cr_assert(check_at(auth,
			  &(struct request){.user = "dora",
				  .realm = REALM,
				  .nonce = nonce,
				  .password = "explorer"},
			  &client, NOW, &by_name) == 0);
	cr_assert(memcmp(by_name.user_hash, result.user_hash, 16) == 0, "one and the same user");
	cr_assert(ask(auth, "alice", "wonderland") == 0);
	cr_assert(ask(auth, "alice", "explorer") == 401);
	auth_destroy(auth);
}

Test(userhash, of_nobody_is_401)
{
	struct auth *auth = auth_of_named();

	cr_assert(ask(auth, "mallory", "wonderland") == 401);
	cr_assert(ask(auth, "", "wonderland") == 401);
	auth_destroy(auth);
}

Test(userhash, works_without_password_algorithms_too)
{
	struct auth *auth = auth_of_named();
	char nonce[AUTH_NONCE_MAX];
	struct request r = {
		.userhash = "alice", .realm = REALM, .nonce = nonce, .password = "wonderland"};

	auth_nonce(auth, &client, NOW, nonce);
	cr_assert(check(auth, &r) == 0);
	auth_destroy(auth);
}

// Its holder's name is known to whoever made the credential, and to nobody here.
Test(userhash, of_a_rest_user_is_401)
{
	struct auth_config config = config_of_test();
	struct auth *auth;
	const char *user = "1900000000:erin";

	config.users_count = 1;
	auth = auth_of(&config);
	cr_assert(ask(auth, user, rest_password(secrets[0], user)) == 401);
	cr_assert(ask(auth, "alice", "wonderland") == 0, "but a configured user's is right");
	auth_destroy(auth);
}

Test(userhash, beside_a_username_the_name_counts)
{
	struct auth *auth = auth_of_named();
	char nonce[AUTH_NONCE_MAX];
	struct request r = {.userhash = "dora",
		.user = "alice",
		.realm = REALM,
		.nonce = nonce,
		.password = "wonderland"};

	auth_nonce(auth, &client, NOW, nonce);
	cr_assert(check_at(auth, &r, &client, NOW, &result) == 0);
	cr_assert(result.user_length == 5 && memcmp(result.user, "alice", 5) == 0);
	auth_destroy(auth);
}

Test(userhash, ten_thousand_are_told_apart)
{
	static struct auth_user many[10000];
	static char names[10000][16];
	struct auth_config config = config_of_test();
	struct auth *auth;

	for (unsigned int i = 0; i < 10000; i++) {
		snprintf(names[i], sizeof(names[i]), "user%u", i);
		many[i] = (struct auth_user){.name = names[i], .password = names[i]};
	}
	config.users = many;
	config.users_count = 10000;
	auth = auth_of(&config);
	for (unsigned int i = 0; i < 10000; i++) {
		cr_assert(ask(auth, names[i], names[i]) == 0);
		cr_assert(ask(auth, names[i], names[(i + 1) % 10000]) == 401);
	}
	auth_destroy(auth);
}
