// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "rss.h"

#include <stdlib.h>
#include <string.h>

#include <turnpike/segment.h>

// Each bit of the data that is set adds the 32 bits of the key that begin where it stands.
uint32_t rss_toeplitz(const uint8_t *key, const uint8_t *data, uint32_t length)
{
	uint32_t window = (uint32_t)key[0] << 24 | key[1] << 16 | key[2] << 8 | key[3];
	uint32_t hash = 0;

	for (uint32_t bit = 0; bit < 8 * length; bit++) {
		uint32_t next = bit + 32;

		if (data[bit / 8] >> (7 - bit % 8) & 1)
			hash ^= window;
		window = window << 1 | (key[next / 8] >> (7 - next % 8) & 1);
	}
	return hash;
}

bool rss_tells(const struct rss *r)
{
	return r->key_length && r->hash != RSS_4_TUPLE;
}

uint32_t rss_queue(const struct rss *r, const struct tp_ip *ip, uint16_t port)
{
	uint32_t skip = tp_ip_is4(ip) ? 12 : 0, length = 0;
	uint8_t data[sizeof(ip->b) + 2];

	if (r->hash == RSS_DESTINATION) {
		length = (uint32_t)sizeof(ip->b) - skip;
		memcpy(data, ip->b + skip, length);
	}
	data[length++] = (uint8_t)(port >> 8);
	data[length++] = (uint8_t)port;
	return r->table[rss_toeplitz(r->key, data, length) & (r->table_size - 1)];
}

void rss_spread(struct rss *r, uint32_t queues)
{
	r->table_size = 128;
	for (uint32_t i = 0; i < r->table_size; i++)
		r->table[i] = (uint8_t)(i % queues);
}

bool rss_parse_key(struct rss *r, const char *text)
{
	size_t digits = strlen(text);

	if (strspn(text, "0123456789abcdefABCDEF") != digits || digits % 2 ||
		digits < 2 * RSS_KEY_MIN || digits > 2 * RSS_KEY_MAX)
		return false;
	r->key_length = (uint32_t)digits / 2;
	for (uint32_t i = 0; i < r->key_length; i++) {
		const char byte[3] = {text[2 * i], text[2 * i + 1]};

		r->key[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return true;
}

bool rss_parse_hash(struct rss *r, const char *text)
{
	static const char *const names[] = {"4-tuple", "destination", "destination-port"};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i])) {
			r->hash = (enum rss_hash)i;
			return true;
		}
	return false;
}

bool rss_parse_table(struct rss *r, const char *text)
{
	uint32_t n = 0;

	for (;; text++) {
		char *end;
		unsigned long queue = strtoul(text, &end, 10);

		if (n == RSS_TABLE_MAX || *text < '0' || *text > '9' || queue >= TP_WORKERS_MAX)
			return false;
		r->table[n++] = (uint8_t)queue;
		text = end;
		if (!*text)
			break;
		if (*text != ',')
			return false;
	}
	r->table_size = n;
	return !(n & (n - 1));
}
