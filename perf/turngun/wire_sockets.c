// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The kernel's UDP sockets, one for each transport address of ours.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

#define SOCKET_BUFFER (4 << 20) // bytes
#define BUFFER 2048u

union address {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
};

struct wire_sockets {
	struct wire wire;
	int epoll;
	int reflector; // the one socket, at the server's address, that reflects
	struct wire_counters counters;
	uint32_t sockets; // room for that many in `local`, by descriptor
	struct tp_endpoint *local;
	uint8_t out[WIRE_BURST][BUFFER];
	uint8_t in[WIRE_BURST][BUFFER];
};

static struct wire_sockets *self(struct wire *w)
{
	return (struct wire_sockets *)w;
}

static socklen_t address_of(union address *a, const struct tp_endpoint *e)
{
	memset(a, 0, sizeof(*a));
	if (tp_ip_is4(&e->ip)) {
		a->ip4.sin_family = AF_INET;
		a->ip4.sin_port = htons(e->port);
		a->ip4.sin_addr.s_addr = e->ip.w[3];
		return sizeof(a->ip4);
	}
	a->ip6.sin6_family = AF_INET6;
	a->ip6.sin6_port = htons(e->port);
	memcpy(&a->ip6.sin6_addr, e->ip.b, 16);
	return sizeof(a->ip6);
}

static struct tp_endpoint endpoint_of(const union address *a)
{
	struct tp_endpoint e = {0};

	if (a->any.sa_family == AF_INET) {
		e.ip = tp_ip4(a->ip4.sin_addr.s_addr);
		e.port = ntohs(a->ip4.sin_port);
	} else {
		memcpy(e.ip.b, &a->ip6.sin6_addr, 16);
		e.port = ntohs(a->ip6.sin6_port);
	}
	return e;
}

static int remember(struct wire_sockets *w, int fd, const struct tp_endpoint *local)
{
	uint32_t need = (uint32_t)fd + 1;
	struct tp_endpoint *more;

	if (need > w->sockets) {
		need += need / 2 + 64;
		more = realloc(w->local, need * sizeof(*more));
		if (!more)
			return -ENOMEM;
		w->local = more;
		w->sockets = need;
	}
	w->local[fd] = *local;
	return 0;
}

static int sockets_find(struct wire *wire, struct path *p, uint64_t)
{
	struct wire_sockets *w = self(wire);
	struct epoll_event event = {.events = EPOLLIN};
	int size = SOCKET_BUFFER, fd, err;
	union address local;
	socklen_t length = address_of(&local, &p->local);

	if (p->socket >= 0)
		return 0;
	fd = socket(local.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	// As much as this process may have.
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	event.data.fd = fd;
	err = bind(fd, &local.any, length) < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) < 0
		      ? -errno
		      : remember(w, fd, &p->local);
	if (err) {
		close(fd);
		return err;
	}
	p->socket = fd;
	return 0;
}

static bool sockets_prepare(struct wire *wire, struct departure *d, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		d[i].data = self(wire)->out[i];
	return true;
}

// As many as follow each other on one socket go in one call.
static uint32_t send_run(struct wire_sockets *w, const struct departure *d, uint32_t n)
{
	struct mmsghdr messages[WIRE_BURST] = {0};
	union address to[WIRE_BURST];
	struct iovec iov[WIRE_BURST];
	uint32_t run = 0;
	int sent;

	while (run < n && d[run].path->socket == d[0].path->socket) {
		iov[run] = (struct iovec){d[run].data, d[run].length};
		messages[run].msg_hdr = (struct msghdr){.msg_name = &to[run],
			.msg_namelen = address_of(&to[run], &d[run].path->remote),
			.msg_iov = &iov[run],
			.msg_iovlen = 1};
		run++;
	}
	sent = sendmmsg(d[0].path->socket, messages, run, 0);
	if (sent < 0) {
		// An ICMP error about an earlier one; the next call goes on.
		w->counters.errors += errno != EAGAIN && errno != EWOULDBLOCK;
		return 0;
	}
	return (uint32_t)sent;
}

static uint32_t sockets_send(struct wire *wire, struct departure *d, uint32_t n)
{
	struct wire_sockets *w = self(wire);
	uint32_t sent = 0, now;

	do {
		now = send_run(w, d + sent, n - sent);
		sent += now;
	} while (now && sent < n);
	w->counters.refused += n - sent;
	return sent;
}

// What one socket has, behind the first ones.
static uint32_t receive_from(struct wire_sockets *w, int fd, struct arrival *a, uint32_t first)
{
	struct mmsghdr messages[WIRE_BURST] = {0};
	union address from[WIRE_BURST];
	struct iovec iov[WIRE_BURST];
	uint32_t most = WIRE_BURST - first;
	int n;

	for (uint32_t i = 0; i < most; i++) {
		iov[i] = (struct iovec){w->in[first + i], BUFFER};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
			.msg_namelen = sizeof(from[i]),
			.msg_iov = &iov[i],
			.msg_iovlen = 1};
	}
	n = recvmmsg(fd, messages, most, 0, NULL);
	if (n < 0) {
		w->counters.errors += errno != EAGAIN && errno != EWOULDBLOCK;
		return 0;
	}
	for (uint32_t i = 0; i < (uint32_t)n; i++)
		a[first + i] = (struct arrival){.data = w->in[first + i],
			.length = messages[i].msg_len,
			.source = endpoint_of(&from[i]),
			.destination = w->local[fd]};
	return (uint32_t)n;
}

static uint32_t sockets_receive(struct wire *wire, struct arrival *a, bool *more)
{
	struct wire_sockets *w = self(wire);
	struct epoll_event events[WIRE_BURST];
	int ready = epoll_wait(w->epoll, events, WIRE_BURST, 0);
	uint32_t found = 0;

	// Those that don't get their turn are ready at the next call too, and come first then.
	for (int i = 0; i < ready && found < WIRE_BURST; i++)
		found += receive_from(w, events[i].data.fd, a, found);
	*more = found == WIRE_BURST;
	return found;
}

static void sockets_release(struct wire *, const struct arrival *, uint32_t)
{
}

static uint32_t sockets_reflect(struct wire *wire)
{
	struct wire_sockets *w = self(wire);
	struct arrival a[WIRE_BURST];
	struct departure d[WIRE_BURST];
	struct path path[WIRE_BURST];
	bool more;
	uint32_t n = sockets_receive(wire, a, &more);

	for (uint32_t i = 0; i < n; i++) {
		path[i] = (struct path){.remote = a[i].source, .socket = w->reflector};
		d[i] = (struct departure){
			.data = w->in[i], .length = a[i].length, .path = &path[i]};
	}
	return n ? sockets_send(wire, d, n) : 0;
}

static struct wire_counters sockets_count(const struct wire *wire)
{
	return ((const struct wire_sockets *)wire)->counters;
}

static void sockets_close(struct wire *wire)
{
	struct wire_sockets *w = self(wire);

	close(w->epoll);
	free(w->local);
	free(w);
}

static const struct wire_ops ops = {
	.find = sockets_find,
	.prepare = sockets_prepare,
	.send = sockets_send,
	.receive = sockets_receive,
	.release = sockets_release,
	.reflect = sockets_reflect,
	.count = sockets_count,
	.close = sockets_close,
};

int wire_open_sockets(struct wire **out, const struct options *o)
{
	struct wire_sockets *w = calloc(1, sizeof(*w));
	struct rlimit files;
	struct path server = {.local = o->server, .socket = -1};
	int err = 0;

	if (!w)
		return -ENOMEM;
	w->wire = (struct wire){.ops = &ops, .driver = "sockets"};
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		err = -errno;
	else if (o->command == COMMAND_REFLECT)
		err = sockets_find(&w->wire, &server, 0);
	w->reflector = server.socket;
	if (err) {
		fprintf(stderr, "turngun: sockets: %s.\n", strerror(-err));
		sockets_close(&w->wire);
		return err;
	}
	*out = &w->wire;
	return 0;
}
