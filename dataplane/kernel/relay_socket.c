// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "relay_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "event.h"
#include "worker.h"
#include "xdp/mirror.h"

// The kernel caps it at net.core.rmem_max; memory is taken only for what waits.
#define RELAY_SOCKET_RCVBUF (1 << 19)

int relay_sockets_init(struct relay_sockets *s, const struct tp_capabilities *capabilities)
{
	uint32_t count = tp_owners_size(capabilities);

	s->at = calloc(count, sizeof(*s->at));
	s->of = calloc(capabilities->allocations, sizeof(*s->of));
	if (!s->at || !s->of) {
		free(s->at);
		free(s->of);
		*s = (struct relay_sockets){0};
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		s->at[i].fd = -1;
	return 0;
}

void relay_sockets_free(struct worker *w)
{
	const uint32_t count = tp_owners_size(w->agent.capabilities);

	for (uint32_t i = 0; w->sockets.at && i < count; i++)
		if (w->sockets.at[i].fd >= 0)
			owners_leave(w->owners, i, w->agent.index);
	free(w->sockets.at);
	free(w->sockets.of);
	w->sockets = (struct relay_sockets){0};
}

// RFC 8656 section 14 lets a relay that can't see an incoming DF bit assume 0. IP_PMTUDISC_OMIT
// sends with DF 0 and still reports "fragmentation needed" for the datagrams that DONT-FRAGMENT
// asked for; IP_PMTUDISC_DONT would swallow it. IPv6 fragments at the sender alone, which has to
// know the path.
static int set_options(int fd, enum tp_family family)
{
	const int on = 1, omit = IP_PMTUDISC_OMIT, dont = IPV6_PMTUDISC_DONT;
	const int buffer = RELAY_SOCKET_RCVBUF;
	bool ok;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (family == TP_IPV4)
		ok = setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof(omit)) == 0 &&
		     setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) == 0;
	else
		ok = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0 &&
		     setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &dont, sizeof(dont)) == 0 &&
		     setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)) == 0;
	return ok ? receive_options(fd, family) : -errno;
}

struct opening {
	const struct worker *worker;
	const struct tp_command *command;
	uint32_t index;
};

// As owners_take() wants it: `context` is a struct opening.
static int open_socket(void *context)
{
	const struct opening *o = context;
	const struct worker *w = o->worker;
	const struct tp_ip *local = &w->agent.capabilities->relay[o->command->relay].local;
	struct tp_endpoint endpoint = {.ip = *local, .port = o->command->relay_port};
	struct epoll_event event = {
		.events = EPOLLIN, .data.u64 = event_tag(EVENT_RELAY, o->index)};
	union sockname name;
	socklen_t length = sockname_set(&name, &endpoint);
	int fd = socket(name.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = set_options(fd, tp_ip_family(local));
	if (!err && bind(fd, &name.any, length) < 0)
		err = -errno;
	if (!err && epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static enum tp_status status_of(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return TP_STATUS_PORT_TAKEN;
	case -EADDRNOTAVAIL:
	case -EACCES: // a port below the host's ip_unprivileged_port_start
		return TP_STATUS_ADDRESS;
	case -EMFILE:
	case -ENFILE:
	case -ENOSPC: // epoll's max_user_watches
		return TP_STATUS_NO_DESCRIPTORS;
	default:
		return TP_STATUS_NO_SPACE;
	}
}

static void forget(struct worker *w, uint32_t index)
{
	struct relay_socket *s = &w->sockets.at[index];

	owners_leave(w->owners, index, w->agent.index);
	if (w->sockets.of[s->allocation] == index + 1)
		w->sockets.of[s->allocation] = 0;
	*s = (struct relay_socket){.fd = -1};
}

enum tp_status relay_socket_put(struct worker *w, const struct tp_command *command)
{
	const struct tp_capabilities *caps = w->agent.capabilities;
	struct relay_socket *s;
	enum tp_status status;
	uint32_t index, former;
	int fd;

	if (command->allocation >= caps->allocations ||
		!owners_in_range(caps, command->relay, command->relay_port))
		return TP_STATUS_INVALID;
	index = tp_owner_index(caps, command->relay, command->relay_port);
	s = &w->sockets.at[index];
	if (s->fd >= 0 && s->allocation == command->allocation)
		return relay_apply(w->agent.relay, command, w->agent.now);
	// An earlier generation's socket is closed on the way: relay_socket_dropped().
	if (s->fd >= 0 && !relay_displace(w->agent.relay, s->allocation, command->generation))
		return TP_STATUS_PORT_TAKEN;
	fd = owners_take(w->owners, index, w->agent.index, command->allocation, open_socket,
		&(struct opening){w, command, index});
	if (fd < 0)
		return status_of(fd);
	status = relay_apply(w->agent.relay, command, w->agent.now);
	if (status != TP_STATUS_OK) {
		owners_leave(w->owners, index, w->agent.index);
		return status;
	}
	// The allocation may have had another port until now.
	former = w->sockets.of[command->allocation];
	if (former)
		forget(w, former - 1);
	*s = (struct relay_socket){.fd = fd,
		.allocation = command->allocation,
		.port = command->relay_port,
		.relay = command->relay};
	w->sockets.of[command->allocation] = index + 1;
	return TP_STATUS_OK;
}

void relay_socket_dropped(void *context, uint32_t allocation, uint8_t relay, uint16_t port)
{
	struct worker *w = context;
	uint32_t index;

	if (w->mirror)
		mirror_dropped(w->mirror, w->agent.index, allocation);
	if (!owners_in_range(w->agent.capabilities, relay, port))
		return;
	index = tp_owner_index(w->agent.capabilities, relay, port);
	if (w->sockets.at[index].fd >= 0 && w->sockets.at[index].allocation == allocation)
		forget(w, index);
}
