// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What is no error in the file, but will hurt on this host.

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"
#include "text.h"

// Descriptors of a dataplane that are not relay sockets: a few, and those of each worker.
#define DESCRIPTORS_BESIDES 64u

// Linux hands the ephemeral range's ports to any program that doesn't ask for one.
static int warn_ports(const struct config *config, const struct host *host, FILE *warnings)
{
	uint16_t low = config->port_min > host->ephemeral_min ? config->port_min
							      : host->ephemeral_min;
	uint16_t high = config->port_max < host->ephemeral_max ? config->port_max
							       : host->ephemeral_max;
	uint32_t unreserved = 0;

	if (!host->ephemeral_min)
		return 0;
	for (uint32_t p = low; p <= high; p++)
		unreserved += !host_reserves(host, (uint16_t)p);
	if (!unreserved)
		return 0;
	fprintf(warnings,
		"warning: ports: %u-%u overlaps the ports that Linux gives to any program (%u-%u, "
		"net.ipv4.ip_local_port_range), so %s; keep them free "
		"with: "
		"sysctl -w net.ipv4.ip_local_reserved_ports=%u-%u\n",
		config->port_min, config->port_max, host->ephemeral_min, host->ephemeral_max,
		config->dataplane == CONFIG_DATAPLANE_DPDK
			? "answers to programs with a relay address may end in the relay"
			: "some relay ports may be taken",
		low, high);
	return 1;
}

static int warn_descriptors(const struct config *config, const struct host *host, FILE *warnings)
{
	uint64_t besides = DESCRIPTORS_BESIDES +
			   (uint64_t)config->workers * (config->listen_count + 4);
	uint64_t needed = config->limits.allocations + besides;

	if (config->dataplane == CONFIG_DATAPLANE_DPDK || !host->descriptors ||
		host->descriptors >= needed)
		return 0;
	fprintf(warnings,
		"warning: limits.allocations: %" PRIu32 " allocations need %" PRIu64
		" descriptors, but the limit here is %" PRIu64
		"; beyond it clients get a 508. Raise it (ulimit -Hn, LimitNOFILE=) or lower "
		"limits.allocations.\n",
		config->limits.allocations, needed, host->descriptors);
	return 1;
}

static int warn_addresses(const struct config *config, const struct host *host, FILE *warnings)
{
	char text[TEXT_ENDPOINT];
	int count = 0;

	// They come with the exception interface, which dpdk makes.
	if (config->dataplane == CONFIG_DATAPLANE_DPDK &&
		config->dpdk.exception != CONFIG_EXCEPTION_NONE)
		return 0;
	for (size_t i = 0; i < config->listen_count; i++)
		if (!host_has(host, &config->listen[i].ip) &&
			!host_is_loopback(&config->listen[i].ip)) {
			fprintf(warnings,
				"warning: listen: this host does not have the address of %s.\n",
				text_endpoint(&config->listen[i], text));
			count++;
		}
	for (size_t i = 0; i < config->relay_count; i++)
		if (!host_has(host, &config->relay[i]) && !host_is_loopback(&config->relay[i])) {
			fprintf(warnings,
				"warning: relay: this host does not have the address %s; if it is "
				"a NAT's, "
				"put "
				"the host's own address in `relay` and both in `external`.\n",
				text_ip(&config->relay[i], text));
			count++;
		}
	return count;
}

static int warn_privileges(const struct config *config, const struct host *host, FILE *warnings)
{
	char text[TEXT_ENDPOINT];

	if (host->privileged || config->dataplane == CONFIG_DATAPLANE_DPDK)
		return 0;
	for (size_t i = 0; i < config->listen_count; i++)
		if (config->listen[i].port < host->unprivileged_port) {
			fprintf(warnings,
				"warning: listen: %s takes root or CAP_NET_BIND_SERVICE (ports "
				"below %u, "
				"net.ipv4.ip_unprivileged_port_start).\n",
				text_endpoint(&config->listen[i], text), host->unprivileged_port);
			return 1;
		}
	return 0;
}

static int warn_relays(const struct config *config, FILE *warnings)
{
	for (size_t i = 0; i < config->relay_count; i++)
		if (!host_is_loopback(&config->relay[i]))
			return 0;
	fprintf(warnings, "warning: relay: there are loopback addresses only, which no other host "
			  "can reach.\n");
	return 1;
}

// What keys that were made beforehand keep everybody from.
static int warn_keys(const struct config *config, FILE *warnings)
{
	for (size_t i = 0; i < config->users_count; i++) {
		const struct config_user *u = &config->users[i];

		if (u->password || (u->key && u->key_sha256))
			continue;
		fprintf(warnings,
			u->key ? "warning: users[%zu]: has no key_sha256, so that SHA-256 is "
				 "offered to "
				 "nobody.\n"
			       : "warning: users[%zu]: has no key, so that clients that know only "
				 "MD5 "
				 "(browsers among them) are refused.\n",
			i);
		return 1;
	}
	return 0;
}

static int warn_redirect(const struct config *config, FILE *warnings)
{
	int count = 0;

	for (enum tp_family family = TP_IPV4; config->redirect.servers_count && family <= TP_IPV6;
		family++) {
		bool listens = false, serves = false;

		for (size_t i = 0; i < config->listen_count; i++)
			listens |= tp_ip_family(&config->listen[i].ip) == family;
		for (size_t i = 0; i < config->redirect.servers_count; i++)
			serves |= tp_ip_family(&config->redirect.servers[i].ip) == family;
		if (!listens || serves)
			continue;
		fprintf(warnings,
			"warning: redirect.servers: none has an %s address, so that clients over "
			"%s are not redirected.\n",
			family == TP_IPV4 ? "IPv4" : "IPv6", family == TP_IPV4 ? "IPv4" : "IPv6");
		count++;
	}
	return count;
}

// RFC 8656 section 21.4: a permission for what is behind such a tunnel is refused whatever is allowed.
static int warn_tunnels(const struct config *config, FILE *warnings)
{
	static const struct {
		uint8_t b[4];
		uint8_t bits;
		const char *what;
	} tunnels[] = {{{0x20, 0x02}, 16, "6to4 (2002::/16)"},
		{{0x20, 0x01, 0, 0}, 32, "Teredo (2001::/32)"}};
	char text[TEXT_ENDPOINT];
	int count = 0;

	for (size_t i = 0; i < config->allow_peers_count; i++)
		for (size_t j = 0; j < sizeof(tunnels) / sizeof(tunnels[0]); j++) {
			const struct config_cidr *c = &config->allow_peers[i];

			if (c->bits < tunnels[j].bits ||
				memcmp(c->ip.b, tunnels[j].b, tunnels[j].bits / 8) != 0)
				continue;
			fprintf(warnings,
				"warning: allow_peers[%zu]: %s is of the tunnel %s, which RFC 8656 "
				"section 21.4 lets no peer be behind: it is refused all the "
				"same.\n",
				i, text_cidr(c, text), tunnels[j].what);
			count++;
		}
	return count;
}

static int warn_raw_sending(const struct config *config, const struct host *host, FILE *warnings)
{
	if (!config->raw_sending)
		return 0;
	if (config->dataplane == CONFIG_DATAPLANE_DPDK)
		fprintf(warnings, "warning: sockets.raw does nothing with `dataplane: dpdk`.\n");
	else if (!host->privileged)
		fprintf(warnings, "warning: sockets.raw takes root, or CAP_NET_RAW; without it UDP "
				  "sockets send.\n");
	else
		return 0;
	return 1;
}

int config_warn_on(const struct config *config, const struct host *host, FILE *warnings)
{
	int count = warn_ports(config, host, warnings);

	count += warn_descriptors(config, host, warnings);
	count += warn_addresses(config, host, warnings);
	count += warn_privileges(config, host, warnings);
	count += warn_relays(config, warnings);
	count += config_warn_dpdk(config, host, warnings);
	count += warn_keys(config, warnings);
	count += warn_redirect(config, warnings);
	count += warn_tunnels(config, warnings);
	count += config_warn_xdp(config, host, warnings);
	count += warn_raw_sending(config, host, warnings);
	if (!config->users_count && !config->secrets_count) {
		fprintf(warnings, "warning: users, secrets: there are none, so that nobody can "
				  "allocate; only "
				  "STUN Binding is answered.\n");
		count++;
	}
	return count;
}

int config_warn(const struct config *config, FILE *warnings)
{
	struct host *host = malloc(sizeof(*host));
	int count;

	if (!host)
		return 0;
	host_read(host);
	count = config_warn_on(config, host, warnings);
	free(host);
	return count;
}
