// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include <errno.h>
#include <string.h>

#include <turnpike/ip.h>

#include "options.h"

#define ARGS_MAX 32

// Words of one line.
static int parse(struct options *o, const char *line)
{
	static char text[512];
	static char *argv[ARGS_MAX + 1];
	int argc = 0;

	snprintf(text, sizeof(text), "turngun %s", line);
	for (char *word = strtok(text, " "); word && argc < ARGS_MAX; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return options_parse(o, argc, argv);
}

static struct tp_endpoint at4(uint32_t ip, uint16_t port)
{
	return (struct tp_endpoint){.ip = tp_ip4(TP_BE32(ip)), .port = port};
}

static bool has(const struct options *o, uint32_t ip)
{
	struct tp_endpoint e = at4(ip, 0);

	return range_has(&o->clients_from, &e.ip);
}

static void same(struct tp_endpoint a, struct tp_endpoint b)
{
	cr_assert(tp_endpoint_equal(&a, &b));
}

Test(turngun_options, a_load_is_understood)
{
	struct options o;

	cr_assert_eq(parse(&o, "load --wire loop --clients 6 --client 192.0.2.10+2:4000 --peers 3 "
			       "--channels 3 --indications 25 --rate 1000 --seconds 0.5 "
			       "--direction to-peer --sizes turn 198.51.100.1:3479 -- -m 64"),
		0);
	cr_assert_eq(o.command, COMMAND_LOAD);
	same(o.server, at4(0xc6336401, 3479));
	same(range_at(&o.clients_from, 0), at4(0xc000020a, 4000));
	same(range_at(&o.clients_from, 1), at4(0xc000020b, 4000));
	same(range_at(&o.clients_from, 5), at4(0xc000020b, 4002));
	cr_assert(has(&o, 0xc000020b));
	cr_assert(!has(&o, 0xc000020c));
	cr_assert(!has(&o, 0xc0000209));
	cr_assert_float_eq(o.indications, 0.25, 1e-9);
	cr_assert_eq(o.trial.rate, 1000);
	cr_assert_eq(o.trial.direction, DIRECTION_TO_PEER);
	cr_assert_eq(o.trial.sizes.length, 3);
	cr_assert_eq(o.eal_argc, 2);
	cr_assert_str_eq(o.eal_argv[0], "-m");
}

Test(turngun_options, a_server_and_addresses_of_ipv6_are_in_brackets)
{
	struct options o;

	cr_assert_eq(
		parse(&o, "load --wire sockets --client [2001:db8::a]+4:10000 [2001:db8::1]:3478"),
		0);
	cr_assert_eq(o.server.port, 3478);
	cr_assert_eq(o.server.ip.b[15], 1);
	cr_assert_eq(range_at(&o.clients_from, 3).ip.b[15], 0xd);
}

Test(turngun_options, a_trial_changes_what_it_names_and_leaves_the_rest, .init = cr_redirect_stderr)
{
	struct trial t = {.rate = 5, .seconds = 2, .direction = DIRECTION_BOTH};
	char line[] = "rate=max direction=to-client", bad[] = "rate=1 pace=2";

	cr_assert_eq(trial_parse(&t, line), 0);
	cr_assert_eq(t.rate, 0);
	cr_assert_eq(t.direction, DIRECTION_TO_CLIENT);
	cr_assert_eq(t.seconds, 2);
	cr_assert_eq(trial_parse(&t, bad), -EINVAL);
}

Test(turngun_options, what_cannot_be_is_refused, .init = cr_redirect_stderr)
{
	static const char *const bad[] = {
		"load 192.0.2.1", // no wire
		"load --wire loop", // no server
		"fire --wire loop 192.0.2.1",
		"load --wire loop --rate 0 192.0.2.1",
		"load --wire loop --rate -1 192.0.2.1",
		"load --wire loop --seconds 86401 192.0.2.1",
		"load --wire loop --hairpin 101 192.0.2.1",
		"load --wire loop --hairpin 50 192.0.2.1", // one client
		"load --wire loop --channels 2 192.0.2.1", // one peer
		"load --wire loop --clients 70000 192.0.2.1", // one address
		"load --wire loop [2001:db8::1]", // clients of IPv4
		"load --wire loop --client 192.0.2.1+0:1 192.0.2.1",
		"load --wire loop --client 192.0.2.1:65536 192.0.2.1",
		"load --wire loop --client 192.0.2.1:1x 192.0.2.1",
		"load --wire loop --client [::ffff:192.0.2.1]:1 192.0.2.1",
		"load --wire loop 192.0.2.1+2",
		"load --wire",
		"load --wire loop --nonsense 192.0.2.1",
	};
	struct options o;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert_eq(parse(&o, bad[i]), -EINVAL, "%s", bad[i]);
}

Test(turngun_options, help_is_no_error, .init = cr_redirect_stdout)
{
	struct options o;

	cr_assert_eq(parse(&o, "--help"), 1);
	cr_assert_eq(parse(&o, "load -h"), 1);
}
