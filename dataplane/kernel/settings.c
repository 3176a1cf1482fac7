// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "settings.h"

#include <getopt.h>
#include <net/if.h>
#include <string.h>

enum {
	OPTION_XDP = OPTIONS_MORE,
	OPTION_INTERFACE,
	OPTION_RAW,
};

static const struct option more[] = {
	{"xdp", required_argument, NULL, OPTION_XDP},
	{"interface", required_argument, NULL, OPTION_INTERFACE},
	{"raw", no_argument, NULL, OPTION_RAW},
	{0},
};

static const char more_help[] =
	"  --xdp MODE             relay in the driver where it can be: auto, native or generic;\n"
	"                         without it sockets relay alone\n"
	"  --raw                  where XDP does not relay, send by packet sockets, past routing "
	"and\n"
	"                         packet filters of this host (takes CAP_NET_RAW)\n"
	"  --interface NAME       for --xdp and --raw; may be repeated (those that hold the "
	"addresses)\n";

static bool take_xdp(struct settings *s, const char *text)
{
	static const char *const names[] = {"off", "auto", "native", "generic"};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i])) {
			s->xdp = (enum xdp_wish)i;
			return true;
		}
	return options_refuse(&s->common, "--xdp %s: give auto, native, generic or off.", text);
}

static bool take_interface(struct settings *s, const char *text)
{
	if (!*text || strlen(text) >= IF_NAMESIZE || strpbrk(text, ",/ "))
		return options_refuse(&s->common, "--interface %s can't be the name of one.", text);
	for (uint32_t i = 0; i < s->interfaces; i++)
		if (!strcmp(s->interface[i], text))
			return options_refuse(&s->common, "--interface %s is given twice.", text);
	if (s->interfaces == TP_INTERFACES_MAX)
		return options_refuse(&s->common, "--interface may be given at most %u times.",
			TP_INTERFACES_MAX);
	s->interface[s->interfaces++] = text;
	return true;
}

static bool take(void *context, struct options *, int option, const char *argument)
{
	struct settings *s = context;

	if (option == OPTION_RAW)
		return s->raw = true;
	return option == OPTION_XDP ? take_xdp(s, argument) : take_interface(s, argument);
}

enum options_result settings_parse(struct settings *out, int argc, char **argv)
{
	static struct options_program program = {.name = "turnpike-kernel",
		.about = "the dataplane of a TURN relay, on kernel UDP sockets and XDP",
		.more_help = more_help,
		.more = more,
		.take = take};
	enum options_result result;

	*out = (struct settings){.xdp = XDP_WISH_OFF};
	program.context = out;
	result = options_parse(&out->common, &program, argc, argv);
	if (result != OPTIONS_RUN)
		return result;
	out->common.capabilities.placement = TP_PLACEMENT_CLIENT;
	strcpy(out->common.capabilities.name, "sockets");
	return OPTIONS_RUN;
}
