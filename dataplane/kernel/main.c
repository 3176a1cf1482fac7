// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <string.h>
#include <sys/resource.h>

#include <serve.h>

#include "plane.h"

// Every allocation takes a descriptor; the soft limit is for programs that use select().
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	static const struct options_program program = {
		.name = "turnpike-kernel",
		.about = "the dataplane of a TURN relay, on kernel UDP sockets",
	};
	struct options options;
	struct plane plane;
	struct link link;
	int signals, err;

	switch (options_parse(&options, &program, argc, argv)) {
	case OPTIONS_RUN:
		break;
	case OPTIONS_DONE:
		return 0;
	default:
		return 2;
	}
	options.capabilities.placement = TP_PLACEMENT_CLIENT;
	strcpy(options.capabilities.name, "sockets");
	raise_descriptors();
	signals = serve_signals();
	if (signals < 0) {
		fprintf(stderr, "turnpike-kernel: no signalfd: %s.\n", strerror(-signals));
		return 1;
	}
	err = plane_start(&plane, &options);
	if (!err) {
		link_init(&link, program.name, options.link, &plane.segment, plane.agent);
		fprintf(stderr, "turnpike-kernel: %u worker%s, %u listening address%s.\n",
			plane.workers, plane.workers == 1 ? "" : "s", options.capabilities.servers,
			options.capabilities.servers == 1 ? "" : "es");
		serve(&plane.segment, &link, signals);
	}
	plane_stop(&plane);
	if (!err)
		link_free(&link);
	close(signals);
	return err ? 1 : 0;
}
