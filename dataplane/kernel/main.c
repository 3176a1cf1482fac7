// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>

#include "link.h"

#define BEAT_MS 250 // between heartbeats, at most

static uint64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

// Every allocation takes a descriptor; the soft limit is for programs that use select().
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

// Blocks the signals that end us, for every thread to come, and returns a descriptor that tells
// them.
static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void serve(struct plane *plane, struct link *link, int signals)
{
	for (;;) {
		uint64_t now = monotonic_ms(), woken;
		struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
			{.fd = plane->ready, .events = POLLIN},
			{.fd = link->sock, .events = POLLIN}};
		int n = poll(fds, 3, link_timeout(link, now, BEAT_MS));

		now = monotonic_ms();
		plane_beat(plane, now);
		if (n < 0 && errno != EINTR) {
			fprintf(stderr, "turnpike-kernel: waiting failed: %s.\n", strerror(errno));
			return;
		}
		if (n > 0 && fds[0].revents)
			return;
		if (n > 0 && fds[1].revents && read(plane->ready, &woken, sizeof(woken)) < 0 &&
			errno != EAGAIN)
			return;
		link_step(link, now, n > 0 && fds[2].revents);
	}
}

int main(int argc, char **argv)
{
	struct options options;
	struct plane plane;
	struct link link;
	int signals, err;

	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_RUN:
		break;
	case OPTIONS_DONE:
		return 0;
	default:
		return 2;
	}
	raise_descriptors();
	signals = catch_signals();
	if (signals < 0) {
		fprintf(stderr, "turnpike-kernel: no signalfd: %s.\n", strerror(errno));
		return 1;
	}
	err = plane_start(&plane, &options);
	if (!err) {
		link_init(&link, &plane, options.link);
		plane_beat(&plane, monotonic_ms());
		fprintf(stderr, "turnpike-kernel: %u worker%s, %u listening address%s.\n",
			plane.workers, plane.workers == 1 ? "" : "s", options.capabilities.servers,
			options.capabilities.servers == 1 ? "" : "es");
		serve(&plane, &link, signals);
	}
	plane_stop(&plane);
	if (!err)
		link_free(&link);
	close(signals);
	return err ? 1 : 0;
}
