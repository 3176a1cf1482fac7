// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/launch/greeting.h"

static const char yaml[] = "listen: ['127.0.0.1:3478', '10.0.0.1:3478', '[::1]:3478']\n"
			   "relay: [10.0.0.1]\n"
			   "external: [{public: 203.0.113.1, local: 10.0.0.1}]\n"
			   "ports: 50000-50009\n"
			   "users: [{name: alice, password: SECRET}]\n"
			   "secrets: [HIDDEN]\n";

static char *greet(bool generated)
{
	struct config *config;
	size_t size;
	char *text;
	FILE *file = open_memstream(&text, &size);

	cr_assert_eq(config_parse(&config, yaml, strlen(yaml), "x", stderr), 0);
	greeting_print(config, generated, file);
	fclose(file);
	config_free(config);
	return text;
}

Test(greeting, generated_credentials_are_shown_ready_to_paste)
{
	char *text = greet(true);

	cr_expect_str_eq(text,
		"dataplane: xdp where an interface takes it, else sockets; turnpike-kernel says "
		"which, and why\n"
		"listen: 127.0.0.1:3478 10.0.0.1:3478 [::1]:3478\n"
		"relay: 10.0.0.1 (203.0.113.1 outside), ports 50000-50009\n"
		"realm: turnpike\n"
		"user: alice\n"
		"password: SECRET\n"
		"REST secret: HIDDEN\n"
		"iceServers: [{ urls: [\"turn:203.0.113.1:3478?transport=udp\"], username: "
		"\"alice\", "
		"credential: \"SECRET\" }]\n");
	free(text);
}

Test(greeting, credentials_of_a_configuration_file_are_never_shown)
{
	char *text = greet(false);

	cr_expect_null(strstr(text, "SECRET"));
	cr_expect_null(strstr(text, "HIDDEN"));
	cr_expect_not_null(strstr(text, "username: \"USER\", credential: \"PASSWORD\""));
	free(text);
}
