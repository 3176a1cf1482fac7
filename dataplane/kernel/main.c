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
	struct settings settings;
	struct plane plane;
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
	raise_descriptors();
	signals = serve_signals();
	if (signals < 0) {
		fprintf(stderr, "turnpike-kernel: no signalfd: %s.\n", strerror(-signals));
		return 1;
	}
	err = plane_start(&plane, &settings);
	if (!err) {
		const struct tp_capabilities *caps = &settings.common.capabilities;

		link_init(&link, settings.common.program->name, settings.common.link,
			&plane.segment, plane.agent);
		fprintf(stderr, "turnpike-kernel: %u worker%s, %u listening address%s.\n",
			plane.workers, plane.workers == 1 ? "" : "s", caps->servers,
			caps->servers == 1 ? "" : "es");
		serve(&plane.segment, &link, signals, plane_beat, &plane);
	}
	plane_stop(&plane);
	if (!err)
		link_free(&link);
	close(signals);
	return err ? 1 : 0;
}
