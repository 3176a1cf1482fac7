// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What keeps XDP off this host, as far as can be told without touching an interface.

#include "resolve.h"

int config_warn_xdp(const struct config *config, const struct host *host, FILE *warnings)
{
	int count = 0;

	if (!config_uses_xdp(config)) {
		if (!config->xdp.given)
			return 0;
		fprintf(warnings, "warning: xdp: this section does nothing without `dataplane: "
				  "xdp` or `dataplane: auto`.\n");
		return 1;
	}
	for (size_t i = 0; i < config->xdp.interfaces_count; i++)
		if (!host_has_interface(host, config->xdp.interfaces[i])) {
			fprintf(warnings,
				"warning: xdp.interfaces: this host has no interface %s; `ip link` "
				"shows which it has.\n",
				config->xdp.interfaces[i]);
			count++;
		}
	if (config->dataplane == CONFIG_DATAPLANE_XDP && !host->privileged) {
		fprintf(warnings,
			"warning: dataplane: xdp takes root, or CAP_BPF, CAP_NET_ADMIN and "
			"CAP_PERFMON; without them sockets relay.\n");
		count++;
	}
	return count;
}
