// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What hurts a poll-mode dataplane on this host, as far as can be told without touching a port.

#include "resolve.h"
#include "text.h"

static int warn_loopback(const struct config *config, FILE *warnings)
{
	char text[TEXT_ENDPOINT];
	int count = 0;

	for (size_t i = 0; i < config->listen_count; i++)
		if (host_is_loopback(&config->listen[i].ip)) {
			fprintf(warnings,
				"warning: listen: %s is loopback, which no port of dpdk brings.\n",
				text_endpoint(&config->listen[i], text));
			count++;
		}
	return count;
}

static int warn_cores(const struct config *config, const struct host *host, FILE *warnings)
{
	if (config->workers < host->cores ||
		(config->dpdk.idle_polls && config->workers == host->cores))
		return 0;
	fprintf(warnings,
		"warning: workers: each of the %u workers keeps a core busy, and of %u cores none "
		"is left for the control plane; take fewer, or let them sleep with "
		"dpdk.idle_polls.\n",
		config->workers, host->cores);
	return 1;
}

static int warn_hash(const struct config *config, FILE *warnings)
{
	if (!config->dpdk.rss_key || config->dpdk.rss_hash == CONFIG_RSS_4_TUPLE ||
		config->workers == 1)
		return 0;
	fprintf(warnings,
		"warning: dpdk.rss_hash: %s brings all clients of a listening address to one "
		"worker; listen on several ports, or take placement: every.\n",
		config_rss_hash_name(config->dpdk.rss_hash));
	return 1;
}

int config_warn_dpdk(const struct config *config, const struct host *host, FILE *warnings)
{
	int count = 0;

	if (config->dataplane != CONFIG_DATAPLANE_DPDK) {
		if (!config->dpdk.given)
			return 0;
		fprintf(warnings,
			"warning: dpdk: this section does nothing without `dataplane: dpdk`.\n");
		return 1;
	}
	count += warn_loopback(config, warnings);
	count += warn_cores(config, host, warnings);
	count += warn_hash(config, warnings);
	if (!host->privileged) {
		fprintf(warnings, "warning: dataplane: dpdk takes root, or CAP_NET_ADMIN and the "
				  "right to use its ports.\n");
		count++;
	}
	if (config->dpdk.huge_pages && !host->huge_pages) {
		fprintf(warnings,
			"warning: dpdk.huge_pages: this host has none; reserve some (sysctl -w "
			"vm.nr_hugepages=512), or set huge_pages: false.\n");
		count++;
	}
	return count;
}
