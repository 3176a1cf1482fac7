// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "greeting.h"
#include "../config/host.h"
#include "../config/text.h"

static const struct tp_ip *public_of(const struct config *config, const struct tp_ip *ip)
{
	for (size_t i = 0; i < config->external_count; i++)
		if (tp_ip_equal(&config->external[i].local, ip))
			return &config->external[i].public_;
	return ip;
}

static bool relays(const struct config *config, const struct tp_ip *ip)
{
	for (size_t i = 0; i < config->relay_count; i++)
		if (tp_ip_equal(&config->relay[i], ip))
			return true;
	return false;
}

// How well clients elsewhere will reach an address to listen on: 2, 1, or 0 not at all.
static int reach(const struct config *config, const struct tp_ip *ip)
{
	if (host_is_loopback(ip))
		return 0;
	return relays(config, ip) ? 2 : 1;
}

// One URL for each family, of its best address (RFC 7065).
static void print_urls(const struct config *config, FILE *out)
{
	const char *separator = "";
	char text[TEXT_ENDPOINT];

	for (int four = 1; four >= 0; four--) {
		const struct tp_endpoint *best = NULL;
		struct tp_endpoint e;

		for (size_t i = 0; i < config->listen_count; i++) {
			const struct tp_endpoint *c = &config->listen[i];

			if (tp_ip_is4(&c->ip) == four &&
				(!best || reach(config, &c->ip) > reach(config, &best->ip)))
				best = c;
		}
		if (!best || (!reach(config, &best->ip) && *separator))
			continue;
		e = *best;
		e.ip = *public_of(config, &best->ip);
		fprintf(out, "%s\"turn:%s?transport=udp\"", separator, text_endpoint(&e, text));
		separator = ", ";
	}
}

static void print_addresses(const struct config *config, FILE *out)
{
	char text[TEXT_ENDPOINT], other[TEXT_ENDPOINT];

	fprintf(out, "listen:");
	for (size_t i = 0; i < config->listen_count; i++)
		fprintf(out, " %s", text_endpoint(&config->listen[i], text));
	fprintf(out, "\nrelay:");
	for (size_t i = 0; i < config->relay_count; i++) {
		const struct tp_ip *public = public_of(config, &config->relay[i]);

		fprintf(out, " %s", text_ip(&config->relay[i], text));
		if (public != &config->relay[i])
			fprintf(out, " (%s outside)", text_ip(public, other));
	}
	fprintf(out, ", ports %u-%u\n", config->port_min, config->port_max);
}

void greeting_print(const struct config *config, bool generated, FILE *out)
{
	const struct config_user *user = config->users_count ? &config->users[0] : NULL;
	bool show = generated && user && user->password;

	if (config->dataplane == CONFIG_DATAPLANE_AUTO)
		fprintf(out, "dataplane: xdp where an interface takes it, else sockets; "
			     "turnpike-kernel says which, and why\n");
	else
		fprintf(out, "dataplane: %s, because the configuration says so\n",
			config_dataplane_name(config->dataplane));
	print_addresses(config, out);
	fprintf(out, "realm: %s\n", config->realm);
	if (show)
		fprintf(out, "user: %s\npassword: %s\n", user->name, user->password);
	if (generated && config->secrets_count)
		fprintf(out, "REST secret: %s\n", config->secrets[0]);
	fprintf(out, "iceServers: [{ urls: [");
	print_urls(config, out);
	fprintf(out, "], username: \"%s\", credential: \"%s\" }]\n", show ? user->name : "USER",
		show ? user->password : "PASSWORD");
}
