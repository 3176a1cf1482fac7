// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// turnpike-kernel's own options.

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/redirect.h>
#include <getopt.h>

#include <settings.h>

#define SHARED "turnpike-kernel", "--link", "l", "--listen", "192.0.2.1:1", "--relay", "192.0.2.1"

static enum options_result parse(struct settings *s, int argc, char **argv)
{
	optind = 0;
	return settings_parse(s, argc, argv);
}

#define PARSE(s, ...) \
	({ \
		char *argv_[] = {SHARED __VA_OPT__(, ) __VA_ARGS__, NULL}; \
		parse(s, (int)(sizeof(argv_) / sizeof(argv_[0])) - 1, argv_); \
	})

Test(settings, without_a_word_there_are_sockets_alone)
{
	struct settings s;

	cr_assert(eq(int, PARSE(&s), OPTIONS_RUN));
	cr_assert(eq(int, s.xdp, XDP_WISH_OFF));
	cr_assert_not(s.raw);
	cr_assert(eq(u32, s.interfaces, 0));
	cr_assert(eq(str, s.common.capabilities.name, "sockets"));
	cr_assert(eq(u32, s.common.capabilities.placement, TP_PLACEMENT_CLIENT));
}

Test(settings, every_mode_and_several_interfaces_are_read)
{
	static char *const names[] = {"off", "auto", "native", "generic"};
	struct settings s;

	for (int i = 0; i < 4; i++) {
		cr_assert(eq(int, PARSE(&s, "--xdp", names[i]), OPTIONS_RUN));
		cr_assert(eq(int, s.xdp, XDP_WISH_OFF + i));
	}
	cr_assert(eq(int, PARSE(&s, "--xdp", "auto", "--interface", "eth0", "--interface", "eth1"),
		OPTIONS_RUN));
	cr_assert(eq(u32, s.interfaces, 2));
	cr_assert(eq(str, (char *)s.interface[0], "eth0"));
	cr_assert(eq(str, (char *)s.interface[1], "eth1"));
}

Test(settings, raw_sending_is_read)
{
	struct settings s;

	cr_assert(eq(int, PARSE(&s, "--raw", "--interface", "eth0"), OPTIONS_RUN));
	cr_assert(s.raw);
	cr_assert(eq(u32, s.interfaces, 1));
}

static void redirect(void)
{
	cr_redirect_stderr();
}

#define REFUSED(name, sentence, ...) \
	Test(settings, name, .init = redirect) \
	{ \
		struct settings s; \
\
		cr_assert(eq(int, PARSE(&s, __VA_ARGS__), OPTIONS_BAD)); \
		fflush(stderr); \
		cr_assert_stderr_eq_str("turnpike-kernel: " sentence "\n"); \
	}

REFUSED(a_mode_that_there_is_not, "--xdp offload: give auto, native, generic or off.", "--xdp",
	"offload")
REFUSED(a_name_that_no_interface_has, "--interface a/b can't be the name of one.", "--interface",
	"a/b")
REFUSED(a_name_too_long, "--interface sixteen-letters- can't be the name of one.", "--interface",
	"sixteen-letters-")
REFUSED(an_interface_twice, "--interface a is given twice.", "--interface", "a", "--interface", "a")
