// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "taken.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool taken(const struct tp_ip *ip, uint16_t port)
{
	struct sockaddr_in in4 = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = ip->w[3]};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool is4 = tp_ip_is4(ip);
	const int one = 1;
	int fd = socket(is4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool in_use;

	if (fd < 0)
		return false;
	memcpy(&in6.sin6_addr, ip->b, sizeof(ip->b));
	// Two of us don't disturb each other; who doesn't set it too isn't shared with.
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	in_use = bind(fd, is4 ? (void *)&in4 : (void *)&in6, is4 ? sizeof(in4) : sizeof(in6)) < 0 &&
		 errno == EADDRINUSE;
	close(fd);
	return in_use;
}
