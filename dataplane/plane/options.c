// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>

#include "endpoint.h"
#include "number.h"

static const char help[] =
	"%s: %s\n"
	"\n"
	"  --link PATH            the control plane's UNIX socket\n"
	"  --listen ADDR:PORT     where clients reach the relay; [v6]:PORT; may be repeated\n"
	"  --relay LOCAL[=PUBLIC] a relay address, and what clients are told behind a 1:1 NAT;\n"
	"                         may be repeated\n"
	"  --ports MIN-MAX        relay ports (49152-65535)\n"
	"  --workers N            threads (the number of CPUs)\n"
	"  --allocations N        allocations in all (16384)\n"
	"  --peers N              permissions and channels of one worker (three per allocation)\n"
	"  --channel-max NUMBER   0x4fff as in RFC 8656, or 0x7fff for older clients (0x4fff)\n"
	"%s"
	"  --help, --version\n";

bool options_refuse(const struct options *options, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s: ", options->program->name);
	vfprintf(stderr, format, args);
	fputs("\n", stderr);
	va_end(args);
	return false;
}

bool options_number(const struct options *options, const char *name, const char *text,
	unsigned long min, unsigned long max, uint32_t *out)
{
	unsigned long n;

	if (!number_parse(text, min, max, &n))
		return options_refuse(
			options, "--%s %s: give a number from %lu to %lu.", name, text, min, max);
	*out = (uint32_t)n;
	return true;
}

static bool add_server(struct options *o, const char *text)
{
	struct tp_capabilities *caps = &o->capabilities;
	struct tp_endpoint server;

	if (!endpoint_parse(text, &server))
		return options_refuse(o,
			"--listen %s: give an address of this host and a port, as in "
			"192.0.2.1:3478 or [2001:db8::1]:3478.",
			text);
	for (uint32_t i = 0; i < caps->servers; i++)
		if (tp_endpoint_equal(&caps->server[i], &server))
			return options_refuse(o, "--listen %s is given twice.", text);
	if (caps->servers == TP_SERVERS_MAX)
		return options_refuse(o, "--listen may be given at most %u times.", TP_SERVERS_MAX);
	caps->server[caps->servers++] = server;
	return true;
}

static bool add_relay(struct options *o, const char *text)
{
	struct tp_capabilities *caps = &o->capabilities;
	struct tp_relay_address relay;
	char local[INET6_ADDRSTRLEN + 1];
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);

	if (length >= sizeof(local))
		length = 0;
	memcpy(local, text, length);
	local[length] = '\0';
	if (!endpoint_parse_ip(local, &relay.local) ||
		!endpoint_parse_ip(equals ? equals + 1 : local, &relay.public_))
		return options_refuse(o,
			"--relay %s: give an address of this host, or LOCAL=PUBLIC, as in "
			"192.0.2.1 or 10.0.0.1=192.0.2.1.",
			text);
	if (tp_ip_family(&relay.local) != tp_ip_family(&relay.public_))
		return options_refuse(o, "--relay %s: both addresses must be of one family.", text);
	for (uint32_t i = 0; i < caps->relays; i++)
		if (tp_ip_equal(&caps->relay[i].local, &relay.local) ||
			tp_ip_equal(&caps->relay[i].public_, &relay.public_))
			return options_refuse(
				o, "--relay %s: an address of it is given twice.", text);
	if (caps->relays == TP_RELAYS_MAX)
		return options_refuse(o, "--relay may be given at most %u times.", TP_RELAYS_MAX);
	caps->relay[caps->relays++] = relay;
	return true;
}

static bool set_ports(struct options *o, const char *text)
{
	char low[8];
	const char *dash = strchr(text, '-');
	unsigned long min, max;

	if (!dash || (size_t)(dash - text) >= sizeof(low))
		return options_refuse(o, "--ports %s: give a range, as in 49152-65535.", text);
	memcpy(low, text, (size_t)(dash - text));
	low[dash - text] = '\0';
	if (!number_parse(low, 1, 65535, &min) || !number_parse(dash + 1, 1, 65535, &max) ||
		min > max)
		return options_refuse(
			o, "--ports %s: give a range from 1 to 65535, the lower port first.", text);
	o->capabilities.port_min = (uint16_t)min;
	o->capabilities.port_max = (uint16_t)max;
	return true;
}

static bool set_channel_max(struct options *o, const char *text)
{
	unsigned long n;

	if (!number_parse(text, TP_CHANNEL_MIN, TP_CHANNEL_MAX_5766, &n) ||
		(n != TP_CHANNEL_MAX && n != TP_CHANNEL_MAX_5766))
		return options_refuse(
			o, "--channel-max %s: give 0x4fff (RFC 8656) or 0x7fff (RFC 5766).", text);
	o->capabilities.channel_max = (uint32_t)n;
	return true;
}

static uint32_t cpu_count(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n > (int)TP_WORKERS_MAX ? TP_WORKERS_MAX : (uint32_t)n;
}

// What only all options together tell.
static bool complete(struct options *o)
{
	struct tp_capabilities *caps = &o->capabilities;

	if (!o->link)
		return options_refuse(
			o, "--link is missing: give the path of the control plane's socket.");
	if (!caps->servers)
		return options_refuse(
			o, "--listen is missing: give the address and port that clients use.");
	if (!caps->relays)
		return options_refuse(o, "--relay is missing: give an address to relay from.");
	if (!o->workers)
		o->workers = cpu_count();
	if (!caps->peers)
		caps->peers = tp_peers_for(caps->allocations);
	return true;
}

// What every dataplane takes.
static bool take(struct options *o, int option, const char *argument)
{
	struct tp_capabilities *caps = &o->capabilities;

	switch (option) {
	case 'k':
		o->link = argument;
		return true;
	case 'l':
		return add_server(o, argument);
	case 'r':
		return add_relay(o, argument);
	case 'p':
		return set_ports(o, argument);
	case 'w':
		return options_number(o, "workers", argument, 1, TP_WORKERS_MAX, &o->workers);
	case 'a':
		return options_number(
			o, "allocations", argument, 1, TP_ALLOCATIONS_MAX, &caps->allocations);
	case 'e':
		return options_number(o, "peers", argument, 1, 1ul << 26, &caps->peers);
	case 'c':
		return set_channel_max(o, argument);
	default: // getopt_long() has said what is wrong
		return options_refuse(o, "See %s --help.", o->program->name);
	}
}

#define SHARED 10u

static const struct option shared[SHARED] = {
	{"link", required_argument, NULL, 'k'},
	{"listen", required_argument, NULL, 'l'},
	{"relay", required_argument, NULL, 'r'},
	{"ports", required_argument, NULL, 'p'},
	{"workers", required_argument, NULL, 'w'},
	{"allocations", required_argument, NULL, 'a'},
	{"peers", required_argument, NULL, 'e'},
	{"channel-max", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
};

static void gather(struct option out[SHARED + OPTIONS_MORE_MAX + 1], const struct option *more)
{
	unsigned int n = SHARED;

	memcpy(out, shared, sizeof(shared));
	for (; more && more->name && n < SHARED + OPTIONS_MORE_MAX; more++)
		out[n++] = *more;
	out[n] = (struct option){0};
}

enum options_result options_parse(
	struct options *out, const struct options_program *program, int argc, char **argv)
{
	struct option known[SHARED + OPTIONS_MORE_MAX + 1];
	bool ok = true;
	int option;

	*out = (struct options){.program = program,
		.capabilities = {
			.allocations = 16384,
			.port_min = 49152,
			.port_max = 65535,
			.channel_max = TP_CHANNEL_MAX,
		}};
	gather(known, program->more);
	while (ok && (option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'h') {
			printf(help, program->name, program->about,
				program->more_help ? program->more_help : "");
			return OPTIONS_DONE;
		}
		if (option == 'v') {
			printf("%s " TURNPIKE_VERSION "\n", program->name);
			return OPTIONS_DONE;
		}
		ok = option >= OPTIONS_MORE ? program->take(program->context, out, option, optarg)
					    : take(out, option, optarg);
	}
	if (ok && optind < argc)
		ok = options_refuse(
			out, "%s is no option. See %s --help.", argv[optind], program->name);
	return ok && complete(out) ? OPTIONS_RUN : OPTIONS_BAD;
}
