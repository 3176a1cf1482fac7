// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A host that is the same everywhere, and a parse that keeps what was complained about.
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/config/resolve.h"
#include "../../../controlplane/config/text.h"

static inline struct tp_ip ip(const char *text)
{
	struct tp_ip out;

	cr_assert(text_to_ip(text, &out), "%s", text);
	return out;
}

static inline struct host fixture_host(void)
{
	struct host h = {.count = 4,
		.cores = 3,
		.descriptors = 1048576,
		.ephemeral_min = 32768,
		.ephemeral_max = 60999,
		.unprivileged_port = 1024,
		.privileged = true,
		.runtime = "/run/turnpike"};

	h.address[0] = ip("127.0.0.1");
	h.address[1] = ip("10.0.0.1");
	h.address[2] = ip("::1");
	h.address[3] = ip("2001:db8::7");
	h.source4 = ip("10.0.0.1");
	return h;
}

// The caller frees *errors and the configuration.
static inline struct config *parse(const char *yaml, const struct host *host, char **errors)
{
	struct config *config;
	size_t size;
	FILE *file = open_memstream(errors, &size);
	int err = config_parse_on(&config, yaml, strlen(yaml), "turnpike.yaml", host, file);

	fclose(file);
	cr_assert_eq(err == 0, config != NULL);
	cr_assert_eq(
		err == 0, size == 0, "an error has a sentence, and only an error: %s", *errors);
	return config;
}

// The configuration of what has no error.
static inline struct config *good(const char *yaml, const struct host *host)
{
	char *errors;
	struct config *config = parse(yaml, host, &errors);

	cr_assert_not_null(config, "%s", errors);
	free(errors);
	return config;
}

// `count` warnings about a configuration without errors, and these sentences.
static inline void expect_warnings(
	const char *yaml, const struct host *host, int count, const char *expected)
{
	char *warnings;
	size_t size;
	FILE *file = open_memstream(&warnings, &size);
	struct config *config = good(yaml, host);

	cr_expect_eq(config_warn_on(config, host, file), count);
	fclose(file);
	cr_expect_str_eq(warnings, expected, "%s", warnings);
	config_free(config);
	free(warnings);
}
