// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "seek.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gaps.h"

static void say(const struct path *p, int err)
{
	char text[INET6_ADDRSTRLEN];
	bool ip4 = tp_ip_is4(&p->remote.ip);

	inet_ntop(ip4 ? AF_INET : AF_INET6, ip4 ? p->remote.ip.b + 12 : p->remote.ip.b, text,
		sizeof(text));
	if (err == -EHOSTUNREACH)
		fprintf(stderr,
			"turngun: no neighbour answers for %s (or its --gateway) in %u s: is the "
			"far "
			"end of the wire up, and in this network?\n",
			text, SEEK_SECONDS);
	else
		fprintf(stderr, "turngun: no way to %s: %s.\n", text, strerror(-err));
}

int seek(struct wire *w, struct path *p)
{
	uint64_t now = clock_ns(), until = now + SEEK_SECONDS * 1000000000ull;
	struct arrival arrivals[WIRE_BURST];
	int err;
	bool more;

	while ((err = w->ops->find(w, p, now)) == -EAGAIN && now < until) {
		uint32_t n = w->ops->receive(w, arrivals, &more);

		w->ops->release(w, arrivals, n);
		now = clock_ns();
	}
	if (err)
		say(p, err == -EAGAIN ? -EHOSTUNREACH : err);
	return err == -EAGAIN ? -EHOSTUNREACH : err;
}
