// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "restcache.h"
#include "secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#define WAYS 4u

struct set {
	struct {
		uint8_t hash[AUTH_HASH_LENGTH];
		uint8_t key[AUTH_KEY_MAX];
		uint8_t algorithm; // enum auth_algorithm
	} way[WAYS];
	uint8_t used; // ways, filled from the first
	uint8_t next; // the oldest, once all are used
};

struct auth_restcache {
	size_t mask;
	struct set sets[];
};

static size_t set_of(const struct auth_restcache *cache, const uint8_t hash[AUTH_HASH_LENGTH])
{
	size_t at;

	memcpy(&at, hash, sizeof(at));
	return at & cache->mask;
}

static unsigned int way_of(
	const struct set *s, const uint8_t hash[AUTH_HASH_LENGTH], enum auth_algorithm algorithm)
{
	unsigned int i = 0;

	while (i < s->used && (s->way[i].algorithm != algorithm ||
				      memcmp(s->way[i].hash, hash, AUTH_HASH_LENGTH) != 0))
		i++;
	return i;
}

int auth_restcache_new(struct auth_restcache **out, uint32_t users)
{
	struct auth_restcache *cache;
	size_t sets = 1;

	while (sets * WAYS < users)
		sets *= 2;
	cache = secret_take(sizeof(*cache) + sets * sizeof(struct set));
	if (!cache)
		return -ENOMEM;
	cache->mask = sets - 1;
	*out = cache;
	return 0;
}

void auth_restcache_free(struct auth_restcache *cache)
{
	if (!cache)
		return;
	secret_give(cache, sizeof(*cache) + (cache->mask + 1) * sizeof(struct set));
}

bool auth_restcache_get(const struct auth_restcache *cache, const uint8_t hash[AUTH_HASH_LENGTH],
	enum auth_algorithm algorithm, uint8_t key[AUTH_KEY_MAX])
{
	const struct set *s = &cache->sets[set_of(cache, hash)];
	unsigned int way = way_of(s, hash, algorithm);

	if (way == s->used)
		return false;
	memcpy(key, s->way[way].key, auth_key_length(algorithm));
	return true;
}

void auth_restcache_put(struct auth_restcache *cache, const uint8_t hash[AUTH_HASH_LENGTH],
	enum auth_algorithm algorithm, const uint8_t key[AUTH_KEY_MAX])
{
	struct set *s = &cache->sets[set_of(cache, hash)];
	unsigned int way = way_of(s, hash, algorithm);

	if (way == s->used && s->used < WAYS) {
		s->used++;
	} else if (way == s->used) {
		way = s->next;
		s->next = (uint8_t)((s->next + 1) % WAYS);
	}
	memcpy(s->way[way].hash, hash, AUTH_HASH_LENGTH);
	memcpy(s->way[way].key, key, auth_key_length(algorithm));
	s->way[way].algorithm = (uint8_t)algorithm;
}
