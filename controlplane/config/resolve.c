// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <turnpike/segment.h>
#include <turnpike/wire.h>

#include "resolve.h"
#include "text.h"

#define PORT_MIN 49152u // RFC 8656 section 7.2
#define PORT_MAX 65535u
#define ALLOCATIONS 16384u
#define PACKETS_PER_SECOND 1000000u // of an allocation
#define BITS_PER_SECOND 10000000000u
#define RATE_MAX 1000000000u // per second
#define SOFTWARE_MAX 127u // bytes: fewer than 128 characters (RFC 8489 section 14.14)

static void resolve_ports(struct config *config, const struct raw *raw, struct place *place)
{
	config->port_min = PORT_MIN;
	config->port_max = PORT_MAX;
	if (!raw->ports)
		return;
	if (!text_to_ports(raw->ports, &config->port_min, &config->port_max))
		place_complain(place, "ports",
			"\"%s\" is not MIN-MAX with ports from 1 to 65535, such as 49152-65535.",
			raw->ports);
	else if (config->port_min > config->port_max)
		place_complain(place, "ports", "%s is the wrong way round: write %u-%u.",
			raw->ports, config->port_max, config->port_min);
}

uint64_t resolve_number(struct place *place, const char *path, const char *text, uint64_t min,
	uint64_t max, uint64_t otherwise)
{
	uint64_t n;

	if (!text)
		return otherwise;
	if (text_to_number(text, max, &n) && n >= min)
		return n;
	place_complain(place, path, "\"%s\" is not a whole number from %" PRIu64 " to %" PRIu64 ".",
		text, min, max);
	return otherwise;
}

static uint32_t number(
	struct place *place, const char *path, const char *text, uint32_t max, uint32_t otherwise)
{
	return (uint32_t)resolve_number(place, path, text, 0, max, otherwise);
}

// What ports and relay addresses allow for, at most what the contract does.
static uint32_t most_allocations(const struct config *config)
{
	uint64_t ports = config->port_max >= config->port_min
				 ? (uint64_t)config->port_max - config->port_min + 1
				 : 0;
	uint64_t most = ports * config->relay_count;

	return most < TP_ALLOCATIONS_MAX ? (uint32_t)most : TP_ALLOCATIONS_MAX;
}

// The README says what the defaults rest on.
static void resolve_limits(struct config *config, const struct raw *raw, struct place *place)
{
	const struct raw_limits *r = &raw->limits;
	struct config_limits *l = &config->limits;
	uint32_t most = most_allocations(config);
	// A rate keeps an allocation out of the XDP program: there it has to be asked for.
	const bool xdp = config->dataplane == CONFIG_DATAPLANE_XDP ||
			 config->dataplane == CONFIG_DATAPLANE_AUTO;

	l->allocations = number(place, "limits.allocations", r->allocations, TP_ALLOCATIONS_MAX,
		most < ALLOCATIONS ? most : ALLOCATIONS);
	if (!l->allocations)
		l->allocations = most;
#define LIMIT(key, max, otherwise) l->key = number(place, "limits." #key, r->key, max, otherwise)
	LIMIT(allocations_per_user, UINT32_MAX, 0);
	LIMIT(allocations_per_address, UINT32_MAX, 0);
	LIMIT(unauthenticated_per_second, RATE_MAX, 200);
	LIMIT(network_unauthenticated_per_second, RATE_MAX, 2000);
	LIMIT(permissions_per_allocation, UINT32_MAX, 256);
	LIMIT(channels_per_allocation, UINT32_MAX, 256);
	LIMIT(permissions_per_user, UINT32_MAX, 0);
	LIMIT(channels_per_user, UINT32_MAX, 0);
	LIMIT(new_peers_per_second, RATE_MAX, 10);
	LIMIT(user_new_peers_per_second, RATE_MAX, 10000);
	LIMIT(packets_per_second, RATE_MAX, PACKETS_PER_SECOND);
	LIMIT(user_packets_per_second, RATE_MAX, 0);
#undef LIMIT
	l->bits_per_second = resolve_number(place, "limits.bits_per_second", r->bits_per_second, 0,
		TP_BITS_PER_SECOND_MAX, BITS_PER_SECOND);
	l->packets_per_second_spared = xdp && !r->packets_per_second;
	l->bits_per_second_spared = xdp && !r->bits_per_second;
	l->user_bits_per_second = resolve_number(place, "limits.user_bits_per_second",
		r->user_bits_per_second, 0, TP_BITS_PER_SECOND_MAX, 0);
}

static void resolve_workers(
	struct config *config, const struct raw *raw, const struct host *host, struct place *place)
{
	config->workers = number(place, "workers", raw->workers, TP_WORKERS_MAX, 0);
	if (config->workers)
		return;
	config->workers = host->cores < TP_WORKERS_MAX ? host->cores : TP_WORKERS_MAX;
	// A worker that polls leaves nothing of its core: one is everybody else's.
	if (config->dataplane == CONFIG_DATAPLANE_DPDK && config->workers > 1)
		config->workers--;
}

static bool listens(const struct config *config, const struct tp_ip *ip, uint16_t port)
{
	for (size_t i = 0; i < config->listen_count; i++)
		if (tp_ip_equal(&config->listen[i].ip, ip) && config->listen[i].port == port)
			return true;
	return false;
}

// RFC 5780 section 6: two addresses, with the same two ports each.
static bool has_alternates(const struct config *config)
{
	for (size_t i = 0; i < config->listen_count; i++) {
		for (size_t k = 0; k < config->listen_count; k++) {
			const struct tp_endpoint *a = &config->listen[i], *b = &config->listen[k];

			if (tp_ip_is4(&a->ip) == tp_ip_is4(&b->ip) &&
				!tp_ip_equal(&a->ip, &b->ip) && a->port != b->port &&
				listens(config, &a->ip, b->port) &&
				listens(config, &b->ip, a->port))
				return true;
		}
	}
	return false;
}

static void resolve_choices(struct config *config, const struct raw *raw, struct place *place)
{
	config->dataplane = CONFIG_DATAPLANE_AUTO;
	if (raw->dataplane && strcmp(raw->dataplane, "xdp") == 0)
		config->dataplane = CONFIG_DATAPLANE_XDP;
	else if (raw->dataplane && strcmp(raw->dataplane, "sockets") == 0)
		config->dataplane = CONFIG_DATAPLANE_SOCKETS;
	else if (raw->dataplane && strcmp(raw->dataplane, "dpdk") == 0)
		config->dataplane = CONFIG_DATAPLANE_DPDK;
	else if (raw->dataplane && strcmp(raw->dataplane, "auto") != 0)
		place_complain(place, "dataplane", "\"%s\" is none of auto, xdp, sockets, dpdk.",
			raw->dataplane);
	config->channel_max = TP_CHANNEL_MAX;
	if (raw->channel_numbers && strcmp(raw->channel_numbers, "rfc5766") == 0)
		config->channel_max = TP_CHANNEL_MAX_5766;
	else if (raw->channel_numbers && strcmp(raw->channel_numbers, "rfc8656") != 0)
		place_complain(place, "channel_numbers", "\"%s\" is neither rfc8656 nor rfc5766.",
			raw->channel_numbers);
	config->mobility_forbidden = raw->mobility && strcmp(raw->mobility, "forbidden") == 0;
	if (raw->mobility && !config->mobility_forbidden && strcmp(raw->mobility, "allowed") != 0)
		place_complain(place, "mobility", "\"%s\" is neither allowed nor forbidden.",
			raw->mobility);
	config->nat_discovery = raw->nat_discovery && strcmp(raw->nat_discovery, "on") == 0;
	if (raw->nat_discovery && !config->nat_discovery && strcmp(raw->nat_discovery, "off") != 0)
		place_complain(place, "nat_discovery", "\"%s\" is neither on nor off.",
			raw->nat_discovery);
	if (config->nat_discovery && !has_alternates(config))
		place_complain(place, "nat_discovery",
			"`listen` has no two addresses of one family with the same two ports each; "
			"list them, such as 192.0.2.1:3478, 192.0.2.1:3479, 192.0.2.2:3478 and "
			"192.0.2.2:3479.");
}

// The launcher keeps its other files beside the control socket.
static bool is_taken(const char *name)
{
	static const char *const names[] = {
		"", ".", "..", "link", "launcher.json", "launcher.lock", "credentials.yaml"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int resolve_texts(
	struct config *config, const struct raw *raw, const struct host *host, struct place *place)
{
	struct sockaddr_un un;
	const char *slash;

	if (raw->control_socket)
		config->control_socket = strdup(raw->control_socket);
	else if (asprintf(&config->control_socket, "%s/control", host->runtime) < 0)
		config->control_socket = NULL;
	config->software = strdup(raw->software ? raw->software : "Turnpike " TURNPIKE_VERSION);
	if (!config->control_socket || !config->software)
		return -ENOMEM;
	slash = strrchr(config->control_socket, '/');
	if (config->control_socket[0] != '/')
		place_complain(place, "control_socket", "\"%s\" is not an absolute path.",
			config->control_socket);
	else if (slash == config->control_socket || is_taken(slash + 1))
		place_complain(place, "control_socket",
			"\"%s\" is not a file in a directory of Turnpike's own, such as "
			"/run/turnpike/control.",
			config->control_socket);
	else if (strlen(config->control_socket) >= sizeof(un.sun_path) - strlen("launcher.json"))
		place_complain(place, "control_socket",
			"has more than %zu bytes; a UNIX socket can't have so long a path.",
			sizeof(un.sun_path) - strlen("launcher.json") - 1);
	if (strlen(config->software) > SOFTWARE_MAX)
		place_complain(place, "software", "has more than %u bytes.", SOFTWARE_MAX);
	return 0;
}

static void resolve_sockets(struct config *config, const struct raw *raw, struct place *place)
{
	const char *text = raw->sockets.raw;

	config->raw_sending = text && strcmp(text, "true") == 0;
	if (text && !config->raw_sending && strcmp(text, "false") != 0)
		place_complain(place, "sockets.raw", "\"%s\" is neither true nor false.", text);
}

int config_resolve(
	struct config *config, const struct raw *raw, const struct host *host, struct place *place)
{
	if (resolve_addresses(config, raw, host, place) < 0 ||
		resolve_credentials(config, raw, place) < 0 ||
		resolve_redirect(config, raw, place) < 0 ||
		resolve_texts(config, raw, host, place) < 0 ||
		resolve_abuse_log(config, raw, place) < 0 || resolve_run_as(config, raw, place) < 0)
		return -ENOMEM;
	resolve_ports(config, raw, place);
	resolve_choices(config, raw, place);
	resolve_limits(config, raw, place);
	resolve_workers(config, raw, host, place);
	resolve_sockets(config, raw, place);
	if (resolve_xdp(config, raw, place) < 0)
		return -ENOMEM;
	return resolve_dpdk(config, raw, place);
}
