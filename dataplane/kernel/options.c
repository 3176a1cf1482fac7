// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sockname.h"

static const char usage[] =
	"turnpike-kernel: the dataplane of a TURN relay, on kernel UDP sockets\n"
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
	"  --help, --version\n";

__attribute__((format(printf, 1, 2))) static bool refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("turnpike-kernel: ", stderr);
	vfprintf(stderr, format, args);
	fputs("\n", stderr);
	va_end(args);
	return false;
}

const char *endpoint_text(const struct tp_endpoint *endpoint, char out[ENDPOINT_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "?";
	bool is4 = tp_ip_is4(&endpoint->ip);

	inet_ntop(is4 ? AF_INET : AF_INET6, endpoint->ip.b + (is4 ? 12 : 0), ip, sizeof(ip));
	if (!endpoint->port)
		snprintf(out, ENDPOINT_TEXT, "%s", ip);
	else
		snprintf(out, ENDPOINT_TEXT, is4 ? "%s:%u" : "[%s]:%u", ip, endpoint->port);
	return out;
}

// A decimal or 0x number from `min` to `max`, all of `text`.
static bool parse_number(const char *text, unsigned long min, unsigned long max, unsigned long *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoul(text, &end, 0);
	return !errno && !*end && *out >= min && *out <= max;
}

// An address of a host: neither the wildcard nor a multicast group, neither IPv4-mapped nor with a
// scope, which a record could not carry.
static bool parse_ip(const char *text, struct tp_ip *out)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*out = tp_ip4(v4.s_addr);
		return v4.s_addr != 0 && !IN_MULTICAST(ntohl(v4.s_addr));
	}
	if (inet_pton(AF_INET6, text, out->b) != 1)
		return false;
	return (out->q[0] || out->q[1]) && out->b[0] != 0xff && !tp_ip_is4(out);
}

static bool parse_endpoint(const char *text, struct tp_endpoint *out)
{
	char ip[INET6_ADDRSTRLEN + 1];
	const char *colon = strrchr(text, ':');
	unsigned long port;
	size_t length;

	*out = (struct tp_endpoint){0};
	if (!colon || !parse_number(colon + 1, 1, 65535, &port))
		return false;
	length = (size_t)(colon - text);
	if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	} else if (memchr(text, ':', length)) {
		return false;
	}
	if (!length || length >= sizeof(ip))
		return false;
	memcpy(ip, text, length);
	ip[length] = '\0';
	out->port = (uint16_t)port;
	return parse_ip(ip, &out->ip);
}

static bool add_server(struct tp_capabilities *caps, const char *text)
{
	struct tp_endpoint server;

	if (!parse_endpoint(text, &server))
		return refuse("--listen %s: give an address of this host and a port, as in "
			      "192.0.2.1:3478 or [2001:db8::1]:3478.",
			text);
	for (uint32_t i = 0; i < caps->servers; i++)
		if (tp_endpoint_equal(&caps->server[i], &server))
			return refuse("--listen %s is given twice.", text);
	if (caps->servers == TP_SERVERS_MAX)
		return refuse("--listen may be given at most %u times.", TP_SERVERS_MAX);
	caps->server[caps->servers++] = server;
	return true;
}

static bool add_relay(struct tp_capabilities *caps, const char *text)
{
	struct tp_relay_address relay;
	char local[INET6_ADDRSTRLEN + 1];
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);

	if (length >= sizeof(local))
		length = 0;
	memcpy(local, text, length);
	local[length] = '\0';
	if (!parse_ip(local, &relay.local) ||
		!parse_ip(equals ? equals + 1 : local, &relay.public_))
		return refuse("--relay %s: give an address of this host, or LOCAL=PUBLIC, as in "
			      "192.0.2.1 or 10.0.0.1=192.0.2.1.",
			text);
	if (tp_ip_family(&relay.local) != tp_ip_family(&relay.public_))
		return refuse("--relay %s: both addresses must be of one family.", text);
	for (uint32_t i = 0; i < caps->relays; i++)
		if (tp_ip_equal(&caps->relay[i].local, &relay.local) ||
			tp_ip_equal(&caps->relay[i].public_, &relay.public_))
			return refuse("--relay %s: an address of it is given twice.", text);
	if (caps->relays == TP_RELAYS_MAX)
		return refuse("--relay may be given at most %u times.", TP_RELAYS_MAX);
	caps->relay[caps->relays++] = relay;
	return true;
}

static bool set_ports(struct tp_capabilities *caps, const char *text)
{
	char low[8];
	const char *dash = strchr(text, '-');
	unsigned long min, max;

	if (!dash || (size_t)(dash - text) >= sizeof(low))
		return refuse("--ports %s: give a range, as in 49152-65535.", text);
	memcpy(low, text, (size_t)(dash - text));
	low[dash - text] = '\0';
	if (!parse_number(low, 1, 65535, &min) || !parse_number(dash + 1, 1, 65535, &max) ||
		min > max)
		return refuse(
			"--ports %s: give a range from 1 to 65535, the lower port first.", text);
	caps->port_min = (uint16_t)min;
	caps->port_max = (uint16_t)max;
	return true;
}

static bool set_number(uint32_t *out, const char *name, const char *text, unsigned long max)
{
	unsigned long n;

	if (!parse_number(text, 1, max, &n))
		return refuse("--%s %s: give a number from 1 to %lu.", name, text, max);
	*out = (uint32_t)n;
	return true;
}

static bool set_channel_max(struct tp_capabilities *caps, const char *text)
{
	unsigned long n;

	if (!parse_number(text, TP_CHANNEL_MIN, TP_CHANNEL_MAX_5766, &n) ||
		(n != TP_CHANNEL_MAX && n != TP_CHANNEL_MAX_5766))
		return refuse(
			"--channel-max %s: give 0x4fff (RFC 8656) or 0x7fff (RFC 5766).", text);
	caps->channel_max = (uint32_t)n;
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
		return refuse("--link is missing: give the path of the control plane's socket.");
	if (!caps->servers)
		return refuse("--listen is missing: give the address and port that clients use.");
	if (!caps->relays)
		return refuse("--relay is missing: give an address to relay from.");
	if (!o->workers)
		o->workers = cpu_count();
	if (!caps->peers)
		caps->peers = tp_peers_for(caps->allocations);
	return true;
}

enum options_result options_parse(struct options *out, int argc, char **argv)
{
	static const struct option known[] = {
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
		{0},
	};
	struct tp_capabilities *caps = &out->capabilities;
	bool ok = true;
	int option;

	*out = (struct options){.capabilities = {
					.name = "sockets",
					.placement = TP_PLACEMENT_CLIENT,
					.allocations = 16384,
					.port_min = 49152,
					.port_max = 65535,
					.channel_max = TP_CHANNEL_MAX,
				}};
	while (ok && (option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'k':
			out->link = optarg;
			break;
		case 'l':
			ok = add_server(caps, optarg);
			break;
		case 'r':
			ok = add_relay(caps, optarg);
			break;
		case 'p':
			ok = set_ports(caps, optarg);
			break;
		case 'w':
			ok = set_number(&out->workers, "workers", optarg, TP_WORKERS_MAX);
			break;
		case 'a':
			ok = set_number(
				&caps->allocations, "allocations", optarg, TP_ALLOCATIONS_MAX);
			break;
		case 'e':
			ok = set_number(&caps->peers, "peers", optarg, 1ul << 26);
			break;
		case 'c':
			ok = set_channel_max(caps, optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			return OPTIONS_DONE;
		case 'v':
			puts("turnpike-kernel " TURNPIKE_VERSION);
			return OPTIONS_DONE;
		default:
			ok = refuse("See turnpike-kernel --help.");
		}
	}
	if (ok && optind < argc)
		ok = refuse("%s is no option. See turnpike-kernel --help.", argv[optind]);
	return ok && complete(out) ? OPTIONS_RUN : OPTIONS_BAD;
}
