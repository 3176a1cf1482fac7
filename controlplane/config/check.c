// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What only two keys together can get wrong.

#include <stdio.h>

#include "resolve.h"
#include "text.h"

static bool relays(const struct config *config, const struct tp_ip *ip)
{
	for (size_t i = 0; i < config->relay_count; i++)
		if (tp_ip_equal(&config->relay[i], ip))
			return true;
	return false;
}

static void check_external(const struct config *config, struct place *place)
{
	char path[64], a[TEXT_IP], b[TEXT_IP];

	for (size_t i = 0; i < config->external_count; i++) {
		const struct config_external *e = &config->external[i];

		snprintf(path, sizeof(path), "external[%zu].local", i);
		if (!relays(config, &e->local))
			place_complain(
				place, path, "%s is not one of `relay`.", text_ip(&e->local, a));
		snprintf(path, sizeof(path), "external[%zu].public", i);
		if (tp_ip_is4(&e->public_) != tp_ip_is4(&e->local))
			place_complain(place, path,
				"%s and the local %s are of different families.",
				text_ip(&e->public_, a), text_ip(&e->local, b));
		else if (relays(config, &e->public_) && !tp_ip_equal(&e->public_, &e->local))
			place_complain(place, path, "%s is a local address of `relay` itself.",
				text_ip(&e->public_, a));
		for (size_t j = 0; j < i; j++) {
			const struct config_external *f = &config->external[j];

			// One relayed transport address must not mean two allocations.
			if (tp_ip_equal(&f->public_, &e->public_))
				place_complain(place, path,
					"%s stands for %s already; two relay addresses can't share "
					"it.",
					text_ip(&e->public_, a), text_ip(&f->local, b));
			snprintf(path, sizeof(path), "external[%zu].local", i);
			if (tp_ip_equal(&f->local, &e->local))
				place_complain(place, path, "%s has the public address %s already.",
					text_ip(&e->local, a), text_ip(&f->public_, b));
			snprintf(path, sizeof(path), "external[%zu].public", i);
		}
	}
}

static void check_capacity(const struct config *config, struct place *place)
{
	uint32_t ports = (uint32_t)config->port_max - config->port_min + 1;

	if (config->limits.allocations > (uint64_t)ports * config->relay_count)
		place_complain(place, "limits.allocations",
			"%u allocations need as many ports, but `ports` has %u on each of %zu "
			"`relay` "
			"addresses.",
			config->limits.allocations, ports, config->relay_count);
}

static void check_listen_ports(const struct config *config, struct place *place)
{
	char text[TEXT_ENDPOINT];

	for (size_t i = 0; i < config->listen_count; i++) {
		const struct tp_endpoint *e = &config->listen[i];

		if (e->port >= config->port_min && e->port <= config->port_max &&
			relays(config, &e->ip))
			place_complain(place, "listen",
				"%s is on an address of `relay` and in `ports` (%u-%u); take "
				"another "
				"port or range.",
				text_endpoint(e, text), config->port_min, config->port_max);
	}
}

static void check_peers(const struct config *config, struct place *place)
{
	char path[64], text[TEXT_ENDPOINT];

	for (size_t i = 0; i < config->allow_peers_count; i++)
		for (size_t j = 0; j < config->deny_peers_count; j++) {
			const struct config_cidr *a = &config->allow_peers[i];
			const struct config_cidr *d = &config->deny_peers[j];

			if (a->bits != d->bits || !tp_ip_equal(&a->ip, &d->ip))
				continue;
			snprintf(path, sizeof(path), "allow_peers[%zu]", i);
			place_complain(
				place, path, "%s is in `deny_peers` too.", text_cidr(a, text));
		}
}

void config_check(const struct config *config, struct place *place)
{
	check_external(config, place);
	check_capacity(config, place);
	check_listen_ports(config, place);
	check_peers(config, place);
}
