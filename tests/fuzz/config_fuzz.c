// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Whatever stands in a configuration file: an error has a sentence and only an error has one, what is taken
// keeps its bounds, and what turnpike-control is handed (config_render()) is taken again as the same.
// Input: the file, as turnpike reads it, on a host that is the same everywhere.
#include <stdlib.h>
#include <string.h>

#include <turnpike/segment.h>
#include <turnpike/wire.h>

#include "../../controlplane/config/render.h"
#include "../../controlplane/config/resolve.h"
#include "../../controlplane/config/text.h"

#define FILE_MAX 16384u // bytes: all that a rule can be about

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static const struct host *host(void)
{
	static const char *const addresses[] = {"127.0.0.1", "192.0.2.10", "::1", "2001:db8::10"};
	static struct host h;

	if (h.count)
		return &h;
	h = (struct host){.cores = 3,
		.descriptors = 1048576,
		.ephemeral_min = 32768,
		.ephemeral_max = 60999,
		.unprivileged_port = 1024,
		.interface = {"lo", "eth0"},
		.interfaces = 2,
		.runtime = "/run/turnpike"};
	for (; h.count < sizeof(addresses) / sizeof(addresses[0]); h.count++)
		check(text_to_ip(addresses[h.count], &h.address[h.count]));
	h.source4 = h.address[1];
	h.source6 = h.address[3];
	return &h;
}

struct text {
	char *bytes;
	size_t length;
	FILE *file;
};

static FILE *text_open(struct text *t)
{
	t->file = open_memstream(&t->bytes, &t->length);
	check(t->file != NULL);
	return t->file;
}

// Lines "fuzz.yaml:...\n", and nothing that a terminal would not just print.
static void check_sentences(const struct text *t, const char *start)
{
	const char *line = t->bytes, *end;

	for (; *line; line = end + 1) {
		end = strchr(line, '\n');
		check(end && end > line + strlen(start));
		check(strncmp(line, start, strlen(start)) == 0);
	}
	check(line == t->bytes + t->length); // no NUL either
	for (const uint8_t *c = (const uint8_t *)t->bytes; *c; c++)
		check((*c >= 0x20 || *c == '\n') && *c != 0x7f &&
			!(*c == 0xc2 && c[1] - 0x80u < 0x20));
}

static struct config *parse(const char *yaml, size_t length)
{
	struct config *config;
	struct text errors;
	int err = config_parse_on(&config, yaml, length, "fuzz.yaml", host(), text_open(&errors));

	fclose(errors.file);
	check((err == 0) == (config != NULL) && err <= 0);
	check((err == 0) == (errors.length == 0));
	check_sentences(&errors, "fuzz.yaml:");
	free(errors.bytes);
	return config;
}

static void check_users(const struct config *c)
{
	for (size_t i = 0; i < c->users_count; i++) {
		const struct config_user *u = &c->users[i];

		check(u->name && *u->name && strlen(u->name) <= CONFIG_USER_MAX);
		check(u->password || u->key || u->key_sha256);
		check(!u->key || strlen(u->key) == 32);
		check(!u->key_sha256 || strlen(u->key_sha256) == 64);
		for (size_t k = 0; k < i; k++)
			check(strcmp(c->users[k].name, u->name) != 0);
	}
	for (size_t i = 0; i < c->secrets_count; i++)
		check(c->secrets[i] && *c->secrets[i]);
}

// What the rest of the program takes for granted.
static void check_config(const struct config *c)
{
	uint64_t ports = (uint64_t)c->port_max - c->port_min + 1;

	check(c->listen_count && c->listen_count <= TP_SERVERS_MAX);
	check(c->relay_count && c->relay_count <= TP_RELAYS_MAX);
	check(c->port_min && c->port_min <= c->port_max);
	check(c->limits.allocations && c->limits.allocations <= TP_ALLOCATIONS_MAX);
	check(c->limits.allocations <= ports * c->relay_count);
	check(c->workers && c->workers <= TP_WORKERS_MAX);
	check(c->channel_max == TP_CHANNEL_MAX || c->channel_max == TP_CHANNEL_MAX_5766);
	check(c->realm && strlen(c->realm) <= CONFIG_REALM_MAX);
	check(c->software && c->control_socket && *c->control_socket == '/');
	for (size_t i = 0; i < c->listen_count; i++)
		check(c->listen[i].port && !tp_ip_equal(&c->listen[i].ip, &(struct tp_ip){0}));
	for (size_t i = 0; i < c->relay_count; i++)
		for (size_t k = 0; k < i; k++)
			check(!tp_ip_equal(&c->relay[i], &c->relay[k]));
	check_users(c);
}

static void render(const struct config *config, struct text *out)
{
	check(config_render(config, text_open(out)) == 0);
	fclose(out->file);
}

static void check_rendered(const struct config *config)
{
	struct text once, twice;
	struct config *again;

	render(config, &once);
	again = parse(once.bytes, once.length);
	check(again != NULL);
	render(again, &twice);
	check(once.length == twice.length && memcmp(once.bytes, twice.bytes, once.length) == 0);
	config_free(again);
	free(once.bytes);
	free(twice.bytes);
}

static void check_warnings(const struct config *config)
{
	struct text warnings;
	int n = config_warn_on(config, host(), text_open(&warnings)), lines = 0;

	fclose(warnings.file);
	for (size_t i = 0; i < warnings.length; i++)
		lines += warnings.bytes[i] == '\n';
	check(n == lines && strlen(warnings.bytes) == warnings.length);
	free(warnings.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config;

	if (size > FILE_MAX)
		return 0;
	config = parse((const char *)data, size);
	if (!config)
		return 0;
	check_config(config);
	check_rendered(config);
	check_warnings(config);
	config_forget_secrets(config);
	config_free(config);
	return 0;
}
