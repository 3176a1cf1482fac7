// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../config/host.h"
#include "setup.h"

int setup_vault(struct vault *vault, const struct config *config, int vault_fd)
{
	uint32_t allocations = config->limits.allocations;
	int anew = vault_open(vault, vault_fd, allocations, tp_peers_for(allocations));

	if (anew > 0)
		fprintf(stderr, "turnpike-control: the vault is damaged or of another version; an "
				"empty one takes its place, and clients must allocate again.\n");
	return anew < 0 ? anew : 0;
}

int setup_auth(struct auth **out, const struct config *config, const struct vault *vault)
{
	struct auth_user *users = calloc(config->users_count + 1, sizeof(*users));
	struct auth_config a = {
		.realm = config->realm,
		.users = users,
		.users_count = config->users_count,
		.secrets = (const char *const *)config->secrets,
		.secrets_count = config->secrets_count,
		.unauthenticated_per_second = config->limits.unauthenticated_per_second,
		.network_unauthenticated_per_second =
			config->limits.network_unauthenticated_per_second,
	};
	int err;

	*out = NULL;
	if (!users)
		return -ENOMEM;
	for (size_t i = 0; i < config->users_count; i++)
		users[i] = (struct auth_user){.name = config->users[i].name,
			.password = config->users[i].password,
			.key = config->users[i].key,
			.key_sha256 = config->users[i].key_sha256};
	memcpy(a.nonce_key, vault->header->nonce_key, sizeof(a.nonce_key));
	memcpy(a.user_key, vault->header->user_key, sizeof(a.user_key));
	err = auth_create(out, &a);
	OPENSSL_cleanse(a.nonce_key, sizeof(a.nonce_key));
	OPENSSL_cleanse(a.user_key, sizeof(a.user_key));
	free(users);
	return err;
}

static struct policy_prefix *prefixes(const struct config_cidr *cidrs, size_t n)
{
	struct policy_prefix *p = calloc(n + 1, sizeof(*p));

	for (size_t i = 0; p && i < n; i++)
		p[i] = (struct policy_prefix){cidrs[i].ip, cidrs[i].bits};
	return p;
}

// Every address that is ours: the host's, and those we listen on or relay from.
static size_t own_addresses(const struct config *config, const struct host *host, struct tp_ip *out)
{
	size_t n = 0;

	for (size_t i = 0; i < host->count; i++)
		out[n++] = host->address[i];
	for (size_t i = 0; i < config->listen_count; i++)
		out[n++] = config->listen[i].ip;
	for (size_t i = 0; i < config->relay_count; i++)
		out[n++] = config->relay[i];
	for (size_t i = 0; i < config->external_count; i++)
		out[n++] = config->external[i].public_;
	return n;
}

static size_t relay_addresses(const struct config *config, struct tp_relay_address *out)
{
	for (size_t i = 0; i < config->relay_count; i++) {
		out[i] = (struct tp_relay_address){config->relay[i], config->relay[i]};
		for (size_t k = 0; k < config->external_count; k++) {
			if (tp_ip_equal(&config->external[k].local, &config->relay[i]))
				out[i].public_ = config->external[k].public_;
		}
	}
	return config->relay_count;
}

int setup_server(struct turn_server **out, const struct config *config, struct vault *vault,
	struct auth *auth, struct link *link, struct tp_counters *counters,
	struct abuse_log *abuse_log)
{
	struct tp_relay_address relays[TP_RELAYS_MAX];
	struct host *host = calloc(1, sizeof(*host));
	struct policy_prefix *allow = prefixes(config->allow_peers, config->allow_peers_count);
	struct policy_prefix *deny = prefixes(config->deny_peers, config->deny_peers_count);
	struct tp_ip *own = calloc(HOST_ADDRESSES_MAX + config->listen_count + config->relay_count +
					   config->external_count,
		sizeof(*own));
	const struct config_limits *l = &config->limits;
	struct turn_config c = {
		.table = {.allocations = config->limits.allocations,
			.allocations_per_address = l->allocations_per_address,
			.limits = {.allocations_per_user = l->allocations_per_user,
				.permissions = l->permissions_per_allocation,
				.channels = l->channels_per_allocation,
				.permissions_per_user = l->permissions_per_user,
				.channels_per_user = l->channels_per_user},
			.port_min = config->port_min,
			.port_max = config->port_max,
			.relays = relays},
		.channel_max = config->channel_max,
		.nat_discovery = config->nat_discovery,
		.mobility_forbidden = config->mobility_forbidden,
		.new_peers_per_second = l->new_peers_per_second,
		.user_new_peers_per_second = l->user_new_peers_per_second,
		.packets_per_second = l->packets_per_second,
		.user_packets_per_second = l->user_packets_per_second,
		.bits_per_second = l->bits_per_second,
		.packets_per_second_spared = l->packets_per_second_spared,
		.bits_per_second_spared = l->bits_per_second_spared,
		.user_bits_per_second = l->user_bits_per_second,
		.software = config->software,
		.redirect = config->redirect.servers,
		.redirect_count = config->redirect.servers_count,
		.redirect_domain = config->redirect.domain,
		.allow = allow,
		.allow_count = config->allow_peers_count,
		.deny = deny,
		.deny_count = config->deny_peers_count,
		.own = own,
		.trace = abuse_log ? abuse_log_trace : NULL,
		.trace_context = abuse_log,
	};
	int err = -ENOMEM;

	if (!host || !allow || !deny || !own || config->relay_count > TP_RELAYS_MAX)
		goto out;
	host_read(host);
	c.own_count = own_addresses(config, host, own);
	c.table.relays_count = (uint32_t)relay_addresses(config, relays);
	err = turn_create(out, &c, vault, auth, link, counters);
out:
	vault_close(vault);
	free(host);
	free(allow);
	free(deny);
	free(own);
	return err;
}
