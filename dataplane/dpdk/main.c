// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <plane_calls.h>
#include <serve.h>

#include "calls.h"
#include "eal.h"
#include "plane.h"

int main(int argc, char **argv)
{
	static const struct filter_call *const calls[] = {plane_calls, dpdk_calls, NULL};
	static struct plane plane;
	struct settings settings;
	struct link link;
	int signals, err;

	switch (settings_parse(&settings, argc, argv)) {
	case OPTIONS_RUN:
		break;
	case OPTIONS_DONE:
		return 0;
	default:
		return 2;
	}
	if (settings.check)
		return 0;
	signals = serve_signals();
	if (signals < 0) {
		fprintf(stderr, "turnpike-dpdk: no signalfd: %s.\n", strerror(-signals));
		return 1;
	}
	if (eal_start(&settings) < 0)
		return 1;
	err = plane_make(&plane, &settings) < 0 || plane_run(&plane) < 0 ||
	      filter_install("turnpike-dpdk", calls, true) < 0;
	if (!err) {
		const struct tp_capabilities *caps = &settings.common.capabilities;

		link_init(
			&link, "turnpike-dpdk", settings.common.link, &plane.segment, plane.agent);
		fprintf(stderr, "turnpike-dpdk: %u worker%s, %u port%s, %u listening address%s.\n",
			plane.workers, plane.workers == 1 ? "" : "s", plane.opened,
			plane.opened == 1 ? "" : "s", caps->servers,
			caps->servers == 1 ? "" : "es");
		serve(&plane.segment, &link, signals, NULL, NULL);
	}
	plane_free(&plane);
	if (!err)
		link_free(&link);
	close(signals);
	return err;
}
