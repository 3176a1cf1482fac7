// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <getopt.h>

#include "endpoint.h"
#include "number.h"
#include "options.h"

#define ARGUMENTS_MAX 16

#define LEVEL (OPTIONS_MORE + 1)

static bool take(void *context, struct options *options, int option, const char *argument)
{
	unsigned long *level = context;

	cr_assert_eq(option, LEVEL);
	if (!number_parse(argument, 1, 9, level))
		return options_refuse(options, "--level %s: from 1 to 9.", argument);
	return true;
}

static enum options_result parse_with(
	unsigned long *level, struct options *out, const char *const *arguments)
{
	static const struct option more[] = {{"level", required_argument, NULL, LEVEL}, {0}};
	static struct options_program program;
	char *argv[ARGUMENTS_MAX + 2] = {"/usr/bin/whatever"};
	int argc = 1;

	program = (struct options_program){.name = "turnpike-test",
		.about = "a test",
		.more_help = "  --level N              one's own\n",
		.more = level ? more : NULL,
		.take = take,
		.context = level};
	for (; arguments[argc - 1]; argc++)
		argv[argc] = (char *)arguments[argc - 1];
	optind = 0;
	return options_parse(out, &program, argc, argv);
}

static enum options_result parse(struct options *out, const char *const *arguments)
{
	return parse_with(NULL, out, arguments);
}

static struct tp_ip ip_of(const char *text)
{
	struct tp_ip ip;

	cr_assert(endpoint_parse_ip(text, &ip), "%s", text);
	return ip;
}

Test(options, every_option_ends_up_in_the_capabilities_that_are_published)
{
	static const char *const arguments[] = {"--link=/x", "--listen=[2001:db8::1]:3478",
		"--listen=192.0.2.1:80", "--relay=10.0.0.1=192.0.2.9", "--relay=2001:db8::2",
		"--ports=50000-50010", "--workers=3", "--allocations=7", "--channel-max=0x7fff",
		NULL};
	struct options o;
	const struct tp_capabilities *c = &o.capabilities;
	struct tp_ip ip[] = {ip_of("2001:db8::1"), ip_of("192.0.2.1"), ip_of("10.0.0.1"),
		ip_of("192.0.2.9"), ip_of("2001:db8::2")};

	cr_assert_eq(parse(&o, arguments), OPTIONS_RUN);
	cr_assert_str_eq(o.link, "/x");
	cr_assert_eq(o.workers, 3);
	cr_assert_eq(c->servers, 2);
	cr_assert(tp_ip_equal(&c->server[0].ip, &ip[0]) && c->server[0].port == 3478);
	cr_assert(tp_ip_equal(&c->server[1].ip, &ip[1]) && c->server[1].port == 80);
	cr_assert_eq(c->relays, 2);
	cr_assert(tp_ip_equal(&c->relay[0].local, &ip[2]));
	cr_assert(tp_ip_equal(&c->relay[0].public_, &ip[3]));
	cr_assert(tp_ip_equal(&c->relay[1].local, &ip[4]));
	cr_assert(tp_ip_equal(&c->relay[1].public_, &ip[4]));
	cr_assert_eq(c->port_min, 50000);
	cr_assert_eq(c->port_max, 50010);
	cr_assert_eq(c->allocations, 7);
	cr_assert_eq(c->peers, tp_peers_for(7));
	cr_assert_eq(c->channel_max, TP_CHANNEL_MAX_5766);
}

Test(options, what_cannot_be_meant_is_refused)
{
	static const char *const bad[][2] = {{"--listen=192.0.2.1", "a port is missing"},
		{"--listen=192.0.2.1:0", "port 0"}, {"--listen=192.0.2.1:65536", "port"},
		{"--listen=192.0.2.1:80x", "port"}, {"--listen=::1:80", "no brackets"},
		{"--listen=0.0.0.0:80", "the wildcard"}, {"--listen=[::]:80", "the wildcard"},
		{"--listen=[::ffff:192.0.2.1]:80", "IPv4-mapped"},
		{"--listen=[fe80::1%lo]:80", "a scope"}, {"--listen=224.0.0.1:80", "multicast"},
		{"--listen=10.0.0.1:1", "given twice"}, {"--relay=10.0.0.1", "given twice"},
		{"--relay=10.0.0.2=::1", "two families"}, {"--relay=10.0.0.2=", "empty"},
		{"--relay=localhost", "a name"}, {"--ports=5", "no range"},
		{"--ports=9-8", "the wrong way round"}, {"--ports=0-8", "port 0"},
		{"--ports=1-65536", "port"}, {"--workers=0", "none"}, {"--workers=65", "too many"},
		{"--workers=-1", "negative"}, {"--allocations=4194305", "too many"},
		{"--channel-max=0x5000", "neither"}, {"--bogus", "unknown"}, {"stray", "stray"}};
	struct options o;

	cr_redirect_stderr();
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *const arguments[] = {
			"--link=/x", "--listen=10.0.0.1:1", "--relay=10.0.0.1", bad[i][0], NULL};

		cr_assert_eq(parse(&o, arguments), OPTIONS_BAD, "%s: %s", bad[i][0], bad[i][1]);
	}
}

Test(options, what_must_be_given_is_asked_for)
{
	static const char *const given[][4] = {{"--link=/x", "--listen=10.0.0.1:1", NULL},
		{"--link=/x", "--relay=10.0.0.1", NULL},
		{"--listen=10.0.0.1:1", "--relay=10.0.0.1", NULL}};
	struct options o;

	cr_redirect_stderr();
	for (int i = 0; i < 3; i++)
		cr_assert_eq(parse(&o, given[i]), OPTIONS_BAD);
}

Test(options, a_program_takes_options_of_its_own_beside_the_shared_ones)
{
	static const char *const good[] = {
		"--level=7", "--link=/x", "--listen=10.0.0.1:1", "--relay=10.0.0.1", NULL};
	unsigned long level = 0;
	struct options o;

	cr_assert_eq(parse_with(&level, &o, good), OPTIONS_RUN);
	cr_assert_eq(level, 7);
	cr_assert_str_eq(o.link, "/x");
	cr_redirect_stderr();
	cr_assert_eq(parse(&o, good), OPTIONS_BAD, "unknown to a program without it");
}

Test(options, a_refusal_begins_with_the_programs_name)
{
	static const char *const bad[] = {"--level=10", NULL};
	unsigned long level = 0;
	struct options o;

	cr_redirect_stderr();
	cr_assert_eq(parse_with(&level, &o, bad), OPTIONS_BAD);
	fflush(stderr);
	cr_assert_stderr_eq_str("turnpike-test: --level 10: from 1 to 9.\n");
}

Test(options, help_shows_the_programs_own_lines_among_the_shared_ones)
{
	static const char *const arguments[] = {"--help", NULL};
	unsigned long level = 0;
	struct options o;
	char text[4096];
	size_t n;

	cr_redirect_stdout();
	cr_assert_eq(parse_with(&level, &o, arguments), OPTIONS_DONE);
	fflush(stdout);
	n = fread(text, 1, sizeof(text) - 1, cr_get_redirected_stdout());
	text[n] = '\0';
	cr_assert_eq(strncmp(text, "turnpike-test: a test\n", 22), 0);
	cr_assert_not_null(strstr(text, "  --link PATH "));
	cr_assert_not_null(
		strstr(text, "\n  --level N              one's own\n  --help, --version\n"));
}
