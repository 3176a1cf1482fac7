// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "listener.h"

#include <errno.h>
#include <unistd.h>

#include "receive.h"
#include "steer.h"

#define LISTENER_BUFFER (4 << 20) // bytes

static void set_buffer(int fd, int force, int plain)
{
	const int size = LISTENER_BUFFER;

	// Beyond net.core.rmem_max only with CAP_NET_ADMIN.
	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size));
}

// DF is 0 on what goes to clients, as on what goes to peers (relay_socket.c). No IP_RECVERR: an
// ICMP error about a client says nothing that anyone waits for.
static int set_options(int fd, enum tp_family family)
{
	const int on = 1, dont4 = IP_PMTUDISC_DONT, dont6 = IPV6_PMTUDISC_DONT;
	bool ok;

	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	if (family == TP_IPV4)
		ok = setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont4, sizeof(dont4)) == 0;
	else
		ok = setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &dont6, sizeof(dont6)) == 0;
	if (!ok || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return -errno;
	return receive_options(fd, family);
}

static int open_socket(const struct tp_endpoint *server, bool shared)
{
	const int on = 1;
	union sockname name;
	socklen_t length = sockname_set(&name, server);
	int fd = socket(name.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (name.any.sa_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		err = -errno;
	if (!err && shared)
		err = set_options(fd, tp_ip_family(&server->ip));
	if (!err && bind(fd, &name.any, length) < 0)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int listener_open(const struct tp_endpoint *server, uint32_t workers, int *out)
{
	// SO_REUSEPORT would join another program's group of the same user, and take its clients.
	int probe = open_socket(server, false);
	uint32_t n = 0;
	int err;

	if (probe < 0)
		return probe;
	close(probe);
	// A socket's place in the group is the order of binding: the program's result is a place.
	for (n = 0; n < workers; n++) {
		out[n] = open_socket(server, true);
		if (out[n] < 0) {
			err = out[n];
			goto fail;
		}
	}
	err = steer_attach(out[0], tp_ip_family(&server->ip), workers);
	if (!err)
		return 0;
fail:
	while (n)
		close(out[--n]);
	return err;
}
