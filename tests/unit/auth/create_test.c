// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>

#include "request.h"

static int create(const struct auth_config *config)
{
	struct auth *auth = NULL;
	int err = auth_create(&auth, config);

	cr_assert((err == 0) == (auth != NULL));
	auth_destroy(auth);
	return err;
}

static int create_with(const char *name, const char *password, const char *key)
{
	struct auth_config config = config_of_test();
	struct auth_user user = {.name = name, .password = password, .key = key};

	config.users = &user;
	config.users_count = 1;
	return create(&config);
}

Test(create, a_name_password_or_key_that_can_t_be_one_is_refused)
{
	static char name[510];

	cr_assert(create_with("u", "p", NULL) == 0);
	cr_assert(create_with("u", NULL, "3D43F24C71B71CDD4BE54E0721962A79") == 0);
	cr_assert(create_with("u", NULL, NULL) == -EINVAL);
	cr_assert(create_with("", "p", NULL) == -EINVAL);
	cr_assert(create_with(NULL, "p", NULL) == -EINVAL);
	cr_assert(create_with("u", NULL, "8493fbc53ba582fb4c044c456bdc40e") == -EINVAL);
	cr_assert(create_with("u", NULL, "3d43f24c71b71cdd4be54e0721962a79b") == -EINVAL);
	cr_assert(create_with("u", NULL, "8493fbc53ba582fb4c044c456bdc40eg") == -EINVAL);
	memset(name, 'n', 508);
	cr_assert(create_with(name, "p", NULL) == 0);
	name[508] = 'n';
	cr_assert(create_with(name, "p", NULL) == -EINVAL);
}

Test(create, users_without_an_algorithm_in_common_are_refused)
{
	struct auth_config config = config_of_test();
	struct auth_user two[] = {named[1], named[1]};

	two[1].name = "ernie";
	config.users = two;
	config.users_count = 2;
	cr_assert(create(&config) == 0);
	two[0].key = NULL;
	cr_assert(create(&config) == 0, "SHA-256");
	two[1].key_sha256 = NULL;
	cr_assert(create(&config) == -EINVAL);
	two[0] = named[1];
	cr_assert(create(&config) == 0, "MD5");
	two[0].key_sha256 = "1234";
	cr_assert(create(&config) == -EINVAL);
}

Test(create, a_name_told_twice_is_refused)
{
	struct auth_config config = config_of_test();
	const struct auth_user twice[] = {{"u", "p", NULL}, {"v", "p", NULL}, {"u", "q", NULL}};

	config.users = twice;
	config.users_count = 3;
	cr_assert(create(&config) == -EEXIST);
	config.users_count = 2;
	cr_assert(create(&config) == 0);
}

Test(create, an_empty_secret_or_an_impossible_realm_is_refused)
{
	struct auth_config config = config_of_test();
	const char *const empty[] = {"fine", ""};
	char realm[129];

	config.secrets = empty;
	cr_assert(create(&config) == -EINVAL);
	config = config_of_test();
	memset(realm, 'r', sizeof(realm));
	realm[128] = '\0';
	config.realm = realm;
	cr_assert(create(&config) == -EINVAL);
	realm[127] = '\0';
	cr_assert(create(&config) == 0);
	config.realm = "";
	cr_assert(create(&config) == -EINVAL);
}

Test(create, without_users_and_secrets_nobody_is_let_in)
{
	struct auth_config config = {.realm = REALM};
	struct auth *auth = auth_of(&config);

	cr_assert(check_user(auth, "alice", "wonderland", NOW) == 401);
	cr_assert_str_eq(auth_realm(auth), REALM);
	auth_destroy(auth);
}

Test(create, ten_thousand_users_are_told_apart)
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
		cr_assert(check_user(auth, names[i], names[i], NOW) == 0);
		cr_assert(check_user(auth, names[i], names[(i + 1) % 10000], NOW) == 401);
	}
	auth_destroy(auth);
}
