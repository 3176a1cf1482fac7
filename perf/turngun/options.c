// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <turnpike/ip.h>

#include "help.h"

#define CLIENTS_MAX 4000000u
#define CHANNELS_MAX 4096u
#define ADDRESSES_MAX 1000000u
#define SECONDS_MAX 86400.0

enum {
	OPTION_WIRE = 256,
	OPTION_GATEWAY,
	OPTION_CLIENT,
	OPTION_PEER,
	OPTION_CLIENTS,
	OPTION_PEERS,
	OPTION_CHANNELS,
	OPTION_INDICATIONS,
	OPTION_HAIRPIN,
	OPTION_DIRECTION,
	OPTION_SIZES,
	OPTION_RATE,
	OPTION_SECONDS,
	OPTION_WARM_UP,
	OPTION_WINDOW,
	OPTION_USER,
	OPTION_PASSWORD_FILE,
	OPTION_CPU,
	OPTION_TRIALS,
	OPTION_KEEP,
	OPTION_REFRESH,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{"wire", required_argument, NULL, OPTION_WIRE},
	{"gateway", required_argument, NULL, OPTION_GATEWAY},
	{"client", required_argument, NULL, OPTION_CLIENT},
	{"peer", required_argument, NULL, OPTION_PEER},
	{"clients", required_argument, NULL, OPTION_CLIENTS},
	{"peers", required_argument, NULL, OPTION_PEERS},
	{"channels", required_argument, NULL, OPTION_CHANNELS},
	{"indications", required_argument, NULL, OPTION_INDICATIONS},
	{"hairpin", required_argument, NULL, OPTION_HAIRPIN},
	{"direction", required_argument, NULL, OPTION_DIRECTION},
	{"sizes", required_argument, NULL, OPTION_SIZES},
	{"rate", required_argument, NULL, OPTION_RATE},
	{"seconds", required_argument, NULL, OPTION_SECONDS},
	{"warm-up", required_argument, NULL, OPTION_WARM_UP},
	{"window", required_argument, NULL, OPTION_WINDOW},
	{"user", required_argument, NULL, OPTION_USER},
	{"password-file", required_argument, NULL, OPTION_PASSWORD_FILE},
	{"cpu", required_argument, NULL, OPTION_CPU},
	{"trials", no_argument, NULL, OPTION_TRIALS},
	{"keep", no_argument, NULL, OPTION_KEEP},
	{"refresh", required_argument, NULL, OPTION_REFRESH},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

static int wrong(const char *what, const char *text)
{
	fprintf(stderr, "turngun: %s is not %s; see turngun --help.\n", text, what);
	return -EINVAL;
}

static int take_count(uint32_t *out, const char *text, uint32_t max)
{
	char *end, what[64];
	unsigned long n = strtoul(text, &end, 10);

	if (*text >= '0' && *text <= '9' && !*end && n && n <= max) {
		*out = (uint32_t)n;
		return 0;
	}
	snprintf(what, sizeof(what), "a number from 1 to %u", max);
	return wrong(what, text);
}

static int take_seconds(double *out, const char *text, double least)
{
	char *end, what[64];
	double n = strtod(text, &end);

	if (end != text && !*end && n >= least && n <= SECONDS_MAX) {
		*out = n;
		return 0;
	}
	snprintf(what, sizeof(what), "seconds from %g to %g", least, SECONDS_MAX);
	return wrong(what, text);
}

static int take_percent(double *out, const char *text)
{
	char *end;
	double n = strtod(text, &end);

	if (end == text || *end || !(n >= 0 && n <= 100))
		return wrong("a percentage", text);
	*out = n / 100;
	return 0;
}

static int take_ip(struct tp_ip *out, const char *text)
{
	struct in_addr ip4;

	if (inet_pton(AF_INET, text, &ip4) == 1)
		*out = tp_ip4(ip4.s_addr);
	else if (inet_pton(AF_INET6, text, out->b) != 1 || tp_ip_is4(out))
		return wrong("an IP address", text);
	return 0;
}

// "ADDRESS[+COUNT][:PORT]", an IPv6 address in brackets.
static int take_range(struct range *out, const char *text)
{
	const char *at = text + (*text == '['), *end = at + strcspn(at, *text == '[' ? "]" : "+:");
	char ip[INET6_ADDRSTRLEN] = "", more;
	unsigned int count = 1, port = out->first.port;
	struct range r = {0};

	if ((size_t)(end - at) >= sizeof(ip))
		return wrong("ADDRESS[+COUNT][:PORT]", text);
	memcpy(ip, at, (size_t)(end - at));
	end += *text == '[' && *end == ']';
	if (*end && sscanf(end, "+%u:%u%c", &count, &port, &more) != 2 &&
		(sscanf(end, "+%u%c", &count, &more) != 1 || strchr(end, ':')) &&
		sscanf(end, ":%u%c", &port, &more) != 1)
		return wrong("ADDRESS[+COUNT][:PORT]", text);
	if (take_ip(&r.first.ip, ip) || !count || count > ADDRESSES_MAX || !port || port > 65535)
		return wrong("ADDRESS[+COUNT][:PORT]", text);
	r.first.port = (uint16_t)port;
	r.addresses = count;
	*out = r;
	return 0;
}

static int take_server(struct tp_endpoint *out, const char *text)
{
	struct range r = {.first.port = 3478};

	if (take_range(&r, text) || r.addresses != 1)
		return wrong("ADDRESS[:PORT] of a server", text);
	*out = r.first;
	return 0;
}

static int take_direction(uint8_t *out, const char *text)
{
	if (!strcmp(text, "to-peer"))
		*out = DIRECTION_TO_PEER;
	else if (!strcmp(text, "to-client"))
		*out = DIRECTION_TO_CLIENT;
	else if (!strcmp(text, "both"))
		*out = DIRECTION_BOTH;
	else
		return wrong("to-peer, to-client or both", text);
	return 0;
}

static int take_rate(uint64_t *out, const char *text)
{
	uint32_t rate;

	if (!strcmp(text, "max")) {
		*out = 0;
		return 0;
	}
	if (take_count(&rate, text, 1000000000))
		return wrong("packets a second, or max", text);
	*out = rate;
	return 0;
}

static int take_sizes(struct sizes *out, const char *text)
{
	return sizes_parse(out, text) ? wrong("sizes", text) : 0;
}

static int take(struct options *o, int option, const char *text)
{
	switch (option) {
	case OPTION_WIRE:
		o->wire = text;
		return 0;
	case OPTION_GATEWAY:
		return take_ip(&o->gateway, text);
	case OPTION_CLIENT:
		return take_range(&o->clients_from, text);
	case OPTION_PEER:
		return take_range(&o->peers_from, text);
	case OPTION_CLIENTS:
		return take_count(&o->clients, text, CLIENTS_MAX);
	case OPTION_PEERS:
		return take_count(&o->peers, text, CLIENTS_MAX);
	case OPTION_CHANNELS:
		return take_count(&o->channels, text, CHANNELS_MAX);
	case OPTION_INDICATIONS:
		return take_percent(&o->indications, text);
	case OPTION_HAIRPIN:
		return take_percent(&o->hairpin, text);
	case OPTION_DIRECTION:
		return take_direction(&o->trial.direction, text);
	case OPTION_SIZES:
		return take_sizes(&o->trial.sizes, text);
	case OPTION_RATE:
		return take_rate(&o->trial.rate, text);
	case OPTION_SECONDS:
		o->forever = false;
		return take_seconds(&o->trial.seconds, text, 0.001);
	case OPTION_WARM_UP:
		return take_seconds(&o->warm_up, text, 0);
	case OPTION_WINDOW:
		return take_count(&o->window, text, 65536);
	case OPTION_USER:
		o->user = text;
		return 0;
	case OPTION_PASSWORD_FILE:
		o->password_file = text;
		return 0;
	case OPTION_CPU:
		return sscanf(text, "%d", &o->cpu) == 1 && o->cpu >= 0 ? 0 : wrong("a CPU", text);
	case OPTION_TRIALS:
		o->trials = true;
		return 0;
	case OPTION_KEEP:
		o->keep = true;
		return 0;
	case OPTION_REFRESH:
		return take_seconds(&o->refresh, text, 0.1);
	case OPTION_JSON:
		o->json = true;
		return 0;
	case OPTION_HELP:
		puts(help);
		return 1;
	case OPTION_VERSION:
		puts("turngun " TURNPIKE_VERSION);
		return 1;
	default:
		fprintf(stderr, "turngun: see turngun --help.\n");
		return -EINVAL;
	}
}

static int take_command(struct options *o, const char *text)
{
	static const char *const names[] = {"load", "ceiling", "reflect", "gaps"};

	for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(text, names[i])) {
			o->command = (enum command)i;
			return 0;
		}
	return wrong("a command", text);
}

static bool fits(const struct range *r, uint32_t n)
{
	return r->first.port + (n - 1) / r->addresses <= 65535;
}

// What only the whole can tell.
static int check(const struct options *o)
{
	const char *what = NULL;

	if (!o->wire && o->command != COMMAND_GAPS)
		what = "--wire says where packets go";
	else if (o->command == COMMAND_LOAD && !o->server.port)
		what = "load takes a server, ADDRESS[:PORT]";
	else if (!fits(&o->clients_from, o->clients))
		what = "there are not so many ports: more addresses in --client";
	else if (!fits(&o->peers_from, o->peers))
		what = "there are not so many ports: more addresses in --peer";
	else if (o->channels > o->peers)
		what = "a client's channels need as many peers (--peers)";
	else if (o->hairpin > 0 && o->clients < 2)
		what = "--hairpin takes two clients";
	else if (o->server.port && tp_ip_is4(&o->server.ip) != tp_ip_is4(&o->clients_from.first.ip))
		what = "clients and server must be of one IP family";
	if (!what)
		return 0;
	fprintf(stderr, "turngun: %s; see turngun --help.\n", what);
	return -EINVAL;
}

// Nobody has it: where no relay is, packets need a destination all the same.
static struct tp_endpoint server_of_nobody(bool ip4)
{
	struct tp_endpoint e = {.ip.b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .port = 3478};

	if (ip4)
		e.ip = tp_ip4(TP_BE32(0xc6336401));
	return e;
}

int options_parse(struct options *o, int argc, char **argv)
{
	int option, err;

	*o = (struct options){.clients_from = {{tp_ip4(TP_BE32(0xc6336464)), 10000}, 1},
		.peers_from = {{tp_ip4(TP_BE32(0xc63364c8)), 20000}, 1},
		.clients = 1,
		.peers = 1,
		.channels = 1,
		.trial = {.seconds = 1, .direction = DIRECTION_BOTH},
		.warm_up = 0.1,
		.window = 256,
		.refresh =
			120, // permissions last 300 (RFC 8656 section 9): what fails once has another chance
		.user = "turngun",
		.cpu = -1,
		.forever = true};
	sizes_parse(&o->trial.sizes, "160");
	if (argc > 1 && argv[1][0] != '-') {
		err = take_command(o, argv[1]);
		if (err)
			return err;
		argc--;
		argv++;
	}
	optind = 1;
	opterr = 1;
	while ((option = getopt_long(argc, argv, "+h", long_options, NULL)) != -1) {
		err = take(o, option == 'h' ? OPTION_HELP : option, optarg);
		if (err)
			return err;
	}
	// getopt_long() has taken the "--".
	if (optind < argc && strcmp(argv[optind - 1], "--") != 0) {
		err = take_server(&o->server, argv[optind++]);
		if (err)
			return err;
		optind += optind < argc && !strcmp(argv[optind], "--");
	}
	if (o->command == COMMAND_CEILING && !o->server.port)
		o->server = server_of_nobody(tp_ip_is4(&o->clients_from.first.ip));
	o->eal_argc = argc - optind;
	o->eal_argv = argv + optind;
	return check(o);
}

int trial_parse(struct trial *t, char *line)
{
	int err = 0;

	for (char *word = strtok(line, " \t\n"); word && !err; word = strtok(NULL, " \t\n")) {
		char *value = strchr(word, '=');

		if (!value)
			return wrong("NAME=VALUE", word);
		*value++ = '\0';
		if (!strcmp(word, "rate"))
			err = take_rate(&t->rate, value);
		else if (!strcmp(word, "seconds"))
			err = take_seconds(&t->seconds, value, 0.001);
		else if (!strcmp(word, "sizes"))
			err = take_sizes(&t->sizes, value);
		else if (!strcmp(word, "direction"))
			err = take_direction(&t->direction, value);
		else
			err = wrong("rate, seconds, sizes or direction", word);
	}
	return err;
}

struct tp_endpoint range_at(const struct range *r, uint32_t n)
{
	struct tp_endpoint e = r->first;

	tp_put32(e.ip.b + 12, tp_get32(e.ip.b + 12) + n % r->addresses);
	e.port = (uint16_t)(e.port + n / r->addresses);
	return e;
}

bool range_has(const struct range *r, const struct tp_ip *ip)
{
	return memcmp(ip->b, r->first.ip.b, 12) == 0 &&
	       tp_get32(ip->b + 12) - tp_get32(r->first.ip.b + 12) < r->addresses;
}
