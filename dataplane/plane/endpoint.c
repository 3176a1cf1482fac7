// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "number.h"

const char *endpoint_text(const struct tp_endpoint *endpoint, char out[ENDPOINT_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "?";
	bool is4 = tp_ip_is4(&endpoint->ip);

	inet_ntop(is4 ? AF_INET : AF_INET6, endpoint->ip.b + (is4 ? 12 : 0), ip, sizeof(ip));
	if (!endpoint->port)
		snprintf(out, ENDPOINT_TEXT, "%s", ip);
	else
		snprintf(out, ENDPOINT_TEXT, is4 ? "%s:%u" : "[%s]:%u", ip, endpoint->port);
	return out;
}

bool endpoint_parse_ip(const char *text, struct tp_ip *out)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*out = tp_ip4(v4.s_addr);
		return v4.s_addr != 0 && !IN_MULTICAST(ntohl(v4.s_addr));
	}
	if (inet_pton(AF_INET6, text, out->b) != 1)
		return false;
	return (out->q[0] || out->q[1]) && out->b[0] != 0xff && !tp_ip_is4(out);
}

bool endpoint_parse(const char *text, struct tp_endpoint *out)
{
	char ip[INET6_ADDRSTRLEN + 1];
	const char *colon = strrchr(text, ':');
	unsigned long port;
	size_t length;

	*out = (struct tp_endpoint){0};
	if (!colon || !number_parse(colon + 1, 1, 65535, &port))
		return false;
	length = (size_t)(colon - text);
	if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	} else if (memchr(text, ':', length)) {
		return false;
	}
	if (!length || length >= sizeof(ip))
		return false;
	memcpy(ip, text, length);
	ip[length] = '\0';
	out->port = (uint16_t)port;
	return endpoint_parse_ip(ip, &out->ip);
}
