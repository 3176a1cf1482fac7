// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "usual.h"

#include <netinet/in.h>
#include <string.h>

static size_t put_int(uint8_t *at, int level, int type, int value)
{
	struct cmsghdr c = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = level, .cmsg_type = type};

	memcpy(at, &c, sizeof(c));
	memcpy(at + CMSG_LEN(0), &value, sizeof(value));
	return CMSG_SPACE(sizeof(int));
}

size_t usual_control(struct usual *usual, struct packet_header header, bool is4, uint8_t *control)
{
	int level = is4 ? IPPROTO_IP : IPPROTO_IPV6;
	bool known = usual->header.ttl;
	size_t length = 0;

	if (!known || header.ttl != usual->header.ttl)
		length = put_int(control, level, is4 ? IP_TTL : IPV6_HOPLIMIT, header.ttl);
	if (!known || header.tos != usual->header.tos)
		length += put_int(control + length, level, is4 ? IP_TOS : IPV6_TCLASS, header.tos);
	if (length && usual->differed < UINT8_MAX)
		usual->differed++;
	return length;
}

void usual_set(struct usual *usual, int fd, struct packet_header header, bool is4)
{
	int level = is4 ? IPPROTO_IP : IPPROTO_IPV6;
	const int ttl = header.ttl, tos = header.tos;
	bool ok = setsockopt(fd, level, is4 ? IP_TTL : IPV6_UNICAST_HOPS, &ttl, sizeof(ttl)) == 0 &&
		  setsockopt(fd, level, is4 ? IP_TOS : IPV6_TCLASS, &tos, sizeof(tos)) == 0;

	*usual = (struct usual){.header = ok ? header : (struct packet_header){0}};
}
