// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "serve.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "monotonic.h"

#define BEAT_MS 250 // between heartbeats, at most
#define BEAT_SHOWS_MS 50 // where each shows what has been counted

int serve_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

void serve(struct segment *segment, struct link *link, int signals, void (*beat)(void *context),
	void *context)
{
	uint64_t now = monotonic_ms();

	segment_beat(segment, now);
	for (;;) {
		struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
			{.fd = segment->ready, .events = POLLIN},
			{.fd = link->sock, .events = POLLIN}};
		int n = poll(fds, 3, link_timeout(link, now, beat ? BEAT_SHOWS_MS : BEAT_MS));
		uint64_t woken;

		now = monotonic_ms();
		// A heartbeat later than a packet says that the packet is among what is shown.
		if (beat)
			beat(context);
		segment_beat(segment, now);
		if (n < 0 && errno != EINTR) {
			fprintf(stderr, "%s: waiting failed: %s.\n", link->program,
				strerror(errno));
			return;
		}
		if (n > 0 && fds[0].revents)
			return;
		if (n > 0 && fds[1].revents && read(segment->ready, &woken, sizeof(woken)) < 0 &&
			errno != EAGAIN)
			return;
		link_step(link, now, n > 0 && fds[2].revents);
	}
}
