// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

bool text_to_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned int digit = (unsigned int)(*text - '0');

		if (digit > 9 || digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

bool text_to_ip(const char *text, struct tp_ip *out)
{
	struct in6_addr six;
	struct in_addr four;
	struct tp_ip ip;

	if (inet_pton(AF_INET, text, &four) == 1) {
		*out = tp_ip4(four.s_addr);
		return true;
	}
	if (inet_pton(AF_INET6, text, &six) != 1)
		return false;
	memcpy(ip.b, &six, sizeof(ip.b));
	if (tp_ip_is4(&ip))
		return false;
	*out = ip;
	return true;
}

static bool to_port(const char *text, uint16_t *out)
{
	uint64_t n;

	if (!text_to_number(text, 65535, &n) || n == 0)
		return false;
	*out = (uint16_t)n;
	return true;
}

bool text_to_endpoint(const char *text, struct tp_endpoint *out)
{
	const char *colon = strrchr(text, ':');
	bool brackets = text[0] == '[';
	struct tp_endpoint e = {0};
	char address[TEXT_IP];
	size_t length;

	if (!colon || !to_port(colon + 1, &e.port))
		return false;
	length = (size_t)(colon - text);
	if (brackets) {
		if (length < 2 || text[length - 1] != ']')
			return false;
		text++;
		length -= 2;
	}
	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = 0;
	// Brackets are IPv6's, and IPv6 has brackets: "::1:3478" could be read in two ways.
	if (!text_to_ip(address, &e.ip) || tp_ip_is4(&e.ip) == brackets)
		return false;
	*out = e;
	return true;
}

bool text_to_ports(const char *text, uint16_t *min, uint16_t *max)
{
	const char *dash = strchr(text, '-');
	uint16_t low, high;
	char first[8];

	if (!dash || (size_t)(dash - text) >= sizeof(first))
		return false;
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = 0;
	if (!to_port(first, &low) || !to_port(dash + 1, &high))
		return false;
	*min = low;
	*max = high;
	return true;
}

enum text_cidr text_to_cidr(const char *text, struct config_cidr *out)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	enum text_cidr result = TEXT_CIDR_OK;
	struct config_cidr c = {0};
	char address[TEXT_IP];
	uint64_t bits;

	if (length >= sizeof(address))
		return TEXT_CIDR_BAD;
	memcpy(address, text, length);
	address[length] = 0;
	if (!text_to_ip(address, &c.ip))
		return TEXT_CIDR_BAD;
	bits = tp_ip_is4(&c.ip) ? 32 : 128;
	if (slash && !text_to_number(slash + 1, bits, &bits))
		return TEXT_CIDR_BAD;
	c.bits = (uint8_t)(bits + (tp_ip_is4(&c.ip) ? 96 : 0));
	for (unsigned int i = 0; i < sizeof(c.ip.b); i++) {
		unsigned int keep = c.bits > 8 * i ? c.bits - 8 * i : 0;
		uint8_t mask = (uint8_t)(keep >= 8 ? 0xff : 0xff00u >> keep);

		if (c.ip.b[i] & ~mask)
			result = TEXT_CIDR_HOST_BITS;
		c.ip.b[i] &= mask;
	}
	*out = c;
	return result;
}

const char *text_ip(const struct tp_ip *ip, char out[TEXT_IP])
{
	if (tp_ip_is4(ip))
		inet_ntop(AF_INET, &ip->w[3], out, TEXT_IP);
	else
		inet_ntop(AF_INET6, ip->b, out, TEXT_IP);
	return out;
}

const char *text_endpoint(const struct tp_endpoint *endpoint, char out[TEXT_ENDPOINT])
{
	char ip[TEXT_IP];

	snprintf(out, TEXT_ENDPOINT, tp_ip_is4(&endpoint->ip) ? "%s:%u" : "[%s]:%u",
		text_ip(&endpoint->ip, ip), (unsigned int)endpoint->port);
	return out;
}

const char *text_cidr(const struct config_cidr *cidr, char out[TEXT_ENDPOINT])
{
	char ip[TEXT_IP];

	snprintf(out, TEXT_ENDPOINT, "%s/%u", text_ip(&cidr->ip, ip),
		cidr->bits - (tp_ip_is4(&cidr->ip) ? 96u : 0u));
	return out;
}
