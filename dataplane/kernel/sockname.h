// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Endpoints as the socket calls want them.
#pragma once

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <turnpike/addr.h>

// Either family's socket address: 28 bytes, a quarter of a sockaddr_storage.
union sockname {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

// Returns the length for bind() or msg_namelen.
static inline socklen_t sockname_set(union sockname *name, const struct tp_endpoint *endpoint)
{
	if (tp_ip_is4(&endpoint->ip)) {
		name->v4 = (struct sockaddr_in){.sin_family = AF_INET,
			.sin_port = TP_BE16(endpoint->port),
			.sin_addr.s_addr = endpoint->ip.w[3]};
		return sizeof(name->v4);
	}
	name->v6 = (struct sockaddr_in6){
		.sin6_family = AF_INET6, .sin6_port = TP_BE16(endpoint->port)};
	memcpy(&name->v6.sin6_addr, endpoint->ip.b, sizeof(endpoint->ip.b));
	return sizeof(name->v6);
}

// Returns false for what is no endpoint of another host: another family, a real IPv4-mapped IPv6
// address, which would pass for an IPv4 one (addr.h), and the unspecified address, which Linux lets
// through as a source of IPv6 and, when it is answered, takes for its own loopback address.
static inline bool sockname_get(const union sockname *name, struct tp_endpoint *out)
{
	if (name->any.sa_family == AF_INET) {
		*out = (struct tp_endpoint){
			.ip = tp_ip4(name->v4.sin_addr.s_addr), .port = TP_BE16(name->v4.sin_port)};
		return true;
	}
	if (name->any.sa_family != AF_INET6)
		return false;
	*out = (struct tp_endpoint){.port = TP_BE16(name->v6.sin6_port)};
	memcpy(out->ip.b, &name->v6.sin6_addr, sizeof(out->ip.b));
	return (out->ip.q[0] | out->ip.q[1]) && !tp_ip_is4(&out->ip);
}
