// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// listen, relay, external and the peer lists.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <turnpike/segment.h>

#include "resolve.h"
#include "text.h"

#define LISTEN_PORT 3478u // RFC 8656 section 3: the default for UDP

static bool is_any(const struct tp_ip *ip)
{
	static const struct tp_ip six = {0};
	const struct tp_ip four = tp_ip4(0);

	return tp_ip_equal(ip, &six) || tp_ip_equal(ip, &four);
}

static bool is_multicast(const struct tp_ip *ip)
{
	return tp_ip_is4(ip) ? ip->b[12] >= 224 : ip->b[0] == 0xff;
}

static bool listens(const struct config *config, const struct tp_endpoint *endpoint)
{
	for (size_t i = 0; i < config->listen_count; i++)
		if (tp_endpoint_equal(&config->listen[i], endpoint))
			return true;
	return false;
}

static void add_listen(struct config *config, const struct tp_endpoint *endpoint)
{
	// One more than fits is kept, so that the check sees that there are too many.
	if (config->listen_count <= TP_SERVERS_MAX && !listens(config, endpoint))
		config->listen[config->listen_count++] = *endpoint;
}

// Adds the host's addresses of the wildcard's family; of both when `any` is NULL.
static void add_wildcard(
	struct config *config, const struct host *host, const struct tp_ip *any, uint16_t port)
{
	for (size_t i = 0; i < host->count; i++) {
		struct tp_endpoint e = {.ip = host->address[i], .port = port};

		if (!any || tp_ip_is4(any) == tp_ip_is4(&e.ip))
			add_listen(config, &e);
	}
}

static void resolve_listen(
	struct config *config, const struct raw *raw, const struct host *host, struct place *place)
{
	struct tp_endpoint e;
	char path[64];

	if (!place_has_value(place, "listen"))
		add_wildcard(config, host, NULL, LISTEN_PORT);
	for (uint32_t i = 0; i < raw->listen_count; i++) {
		snprintf(path, sizeof(path), "listen[%u]", i);
		if (!text_to_endpoint(raw->listen[i], &e)) {
			place_complain(place, path,
				"\"%s\" is not ADDRESS:PORT, such as 192.0.2.1:3478 or "
				"[2001:db8::1]:3478.",
				raw->listen[i]);
			continue;
		}
		if (is_any(&e.ip))
			add_wildcard(config, host, &e.ip, e.port);
		else if (is_multicast(&e.ip) || host_is_link_local(&e.ip))
			place_complain(place, path,
				"%s is a multicast or link-local address; clients need another.",
				raw->listen[i]);
		else
			add_listen(config, &e);
	}
	if (config->listen_count > TP_SERVERS_MAX)
		place_complain(place, "listen", "more than %u addresses; name those to listen on.",
			TP_SERVERS_MAX);
	if (!config->listen_count && !place->complaints)
		place_complain(place, "listen", "there is no address to listen on.");
}

// The address that peers see by default: the kernel's source towards the internet, or the first global
// one. Returns false when the host has neither in this family.
static bool default_relay(const struct host *host, bool four, struct tp_ip *out)
{
	static const struct tp_ip none = {0};
	const struct tp_ip *source = four ? &host->source4 : &host->source6;

	if (!tp_ip_equal(source, &none)) {
		*out = *source;
		return true;
	}
	for (size_t i = 0; i < host->count; i++)
		if (tp_ip_is4(&host->address[i]) == four && !host_is_loopback(&host->address[i])) {
			*out = host->address[i];
			return true;
		}
	return false;
}

static void default_relays(struct config *config, const struct host *host)
{
	for (int four = 1; four >= 0; four--)
		if (default_relay(host, four, &config->relay[config->relay_count]))
			config->relay_count++;
	// Loopback only when there is nothing else: nobody elsewhere could use such a relayed address.
	if (config->relay_count)
		return;
	for (int four = 1; four >= 0; four--)
		for (size_t i = 0; i < host->count; i++)
			if (tp_ip_is4(&host->address[i]) == four) {
				config->relay[config->relay_count++] = host->address[i];
				break;
			}
}

static bool relays(const struct config *config, const struct tp_ip *ip)
{
	for (size_t i = 0; i < config->relay_count; i++)
		if (tp_ip_equal(&config->relay[i], ip))
			return true;
	return false;
}

static void resolve_relay(
	struct config *config, const struct raw *raw, const struct host *host, struct place *place)
{
	struct tp_ip ip;
	char path[64];

	if (!place_has_value(place, "relay"))
		default_relays(config, host);
	for (uint32_t i = 0; i < raw->relay_count; i++) {
		snprintf(path, sizeof(path), "relay[%u]", i);
		if (!text_to_ip(raw->relay[i], &ip))
			place_complain(place, path, "\"%s\" is not an IP address.", raw->relay[i]);
		else if (is_any(&ip) || is_multicast(&ip) || host_is_link_local(&ip))
			place_complain(place, path,
				"%s can't be a relay address; name one that peers can reach.",
				raw->relay[i]);
		else if (relays(config, &ip))
			place_complain(place, path, "%s is in the list twice.", raw->relay[i]);
		else
			config->relay[config->relay_count++] = ip;
	}
	if (config->relay_count > TP_RELAYS_MAX)
		place_complain(place, "relay", "more than %u addresses.", TP_RELAYS_MAX);
	if (!config->relay_count && !place->complaints)
		place_complain(place, "relay", "there is no address to relay from.");
}

static bool external_ip(
	struct place *place, uint32_t i, const char *key, const char *text, struct tp_ip *out)
{
	char path[64];

	snprintf(path, sizeof(path), "external[%u].%s", i, key);
	if (!text)
		place_complain(
			place, path, "is missing; an entry has a public and a local address.");
	else if (!text_to_ip(text, out))
		place_complain(place, path, "\"%s\" is not an IP address.", text);
	else if (is_any(out) || is_multicast(out) || host_is_link_local(out))
		place_complain(place, path, "%s is no address that peers can reach.", text);
	else
		return true;
	return false;
}

static void resolve_external(struct config *config, const struct raw *raw, struct place *place)
{
	for (uint32_t i = 0; i < raw->external_count; i++) {
		struct config_external *e = &config->external[config->external_count];
		bool public_ok = external_ip(
			place, i, "public", raw->external[i].public_, &e->public_);
		bool local_ok = external_ip(place, i, "local", raw->external[i].local, &e->local);

		if (public_ok && local_ok)
			config->external_count++;
	}
}

static void resolve_peers(const char *key, char **texts, uint32_t count, struct config_cidr *out,
	size_t *out_count, struct place *place)
{
	char path[64], network[TEXT_ENDPOINT];

	for (uint32_t i = 0; i < count; i++) {
		struct config_cidr *c = &out[*out_count];

		snprintf(path, sizeof(path), "%s[%u]", key, i);
		switch (text_to_cidr(texts[i], c)) {
		case TEXT_CIDR_OK:
			++*out_count;
			break;
		case TEXT_CIDR_HOST_BITS:
			place_complain(place, path,
				"%s has bits set behind its prefix; the network is %s.", texts[i],
				text_cidr(c, network));
			break;
		case TEXT_CIDR_BAD:
			place_complain(place, path,
				"\"%s\" is not a prefix such as 192.0.2.0/24 or 2001:db8::/32.",
				texts[i]);
			break;
		}
	}
}

int resolve_addresses(
	struct config *config, const struct raw *raw, const struct host *host, struct place *place)
{
	// calloc(0) may be NULL, hence the ones: each list has room for one more than it needs.
	config->listen = calloc(TP_SERVERS_MAX + 1, sizeof(*config->listen));
	config->relay = calloc(raw->relay_count + 2, sizeof(*config->relay));
	config->external = calloc(raw->external_count + 1, sizeof(*config->external));
	config->allow_peers = calloc(raw->allow_peers_count + 1, sizeof(*config->allow_peers));
	config->deny_peers = calloc(raw->deny_peers_count + 1, sizeof(*config->deny_peers));
	if (!config->listen || !config->relay || !config->external || !config->allow_peers ||
		!config->deny_peers)
		return -ENOMEM;
	resolve_listen(config, raw, host, place);
	resolve_relay(config, raw, host, place);
	resolve_external(config, raw, place);
	resolve_peers("allow_peers", raw->allow_peers, raw->allow_peers_count, config->allow_peers,
		&config->allow_peers_count, place);
	resolve_peers("deny_peers", raw->deny_peers, raw->deny_peers_count, config->deny_peers,
		&config->deny_peers_count, place);
	return 0;
}
