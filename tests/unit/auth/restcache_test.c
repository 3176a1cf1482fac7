// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <string.h>

#include <criterion/criterion.h>

#include "../../../controlplane/auth/restcache.h"

// A hash that belongs to set 0, whatever the number of sets.
static void name(uint8_t out[AUTH_HASH_LENGTH], uint8_t n)
{
	memset(out, 0, AUTH_HASH_LENGTH);
	out[15] = n;
}

static bool has(const struct auth_restcache *cache, uint8_t n)
{
	uint8_t hash[AUTH_HASH_LENGTH], key[AUTH_KEY_MAX], expected[AUTH_KEY_MAX];

	name(hash, n);
	memset(expected, n, sizeof(expected));
	return auth_restcache_get(cache, hash, AUTH_SHA256, key) &&
	       memcmp(key, expected, sizeof(key)) == 0;
}

static void put(struct auth_restcache *cache, uint8_t n)
{
	uint8_t hash[AUTH_HASH_LENGTH], key[AUTH_KEY_MAX];

	name(hash, n);
	memset(key, n, sizeof(key));
	auth_restcache_put(cache, hash, AUTH_SHA256, key);
}

Test(restcache, an_empty_cache_knows_nobody)
{
	struct auth_restcache *cache = NULL;

	cr_assert(auth_restcache_new(&cache, 1) == 0);
	cr_assert(!has(cache, 0), "not even the name whose hash is zero");
	auth_restcache_free(cache);
	auth_restcache_free(NULL);
}

Test(restcache, the_oldest_of_a_full_set_makes_room)
{
	struct auth_restcache *cache = NULL;

	cr_assert(auth_restcache_new(&cache, 1000) == 0);
	for (uint8_t n = 0; n < 20; n++) {
		put(cache, n);
		for (uint8_t old = 0; old < 20; old++)
			cr_assert(has(cache, old) == (old <= n && old + 4 > n), "%u %u", n, old);
	}
	auth_restcache_free(cache);
}

Test(restcache, a_name_put_again_gets_the_new_key_in_its_place)
{
	struct auth_restcache *cache = NULL;
	uint8_t hash[AUTH_HASH_LENGTH], key[AUTH_KEY_MAX] = {99}, got[AUTH_KEY_MAX];

	cr_assert(auth_restcache_new(&cache, 4) == 0);
	for (uint8_t n = 0; n < 4; n++)
		put(cache, n);
	name(hash, 2);
	auth_restcache_put(cache, hash, AUTH_SHA256, key);
	cr_assert(auth_restcache_get(cache, hash, AUTH_SHA256, got));
	cr_assert(memcmp(got, key, sizeof(key)) == 0);
	cr_assert(has(cache, 0) && has(cache, 1) && has(cache, 3));
	auth_restcache_free(cache);
}

Test(restcache, a_name_has_a_key_for_each_algorithm)
{
	struct auth_restcache *cache = NULL;
	uint8_t hash[AUTH_HASH_LENGTH], sha256[AUTH_KEY_MAX], md5[AUTH_KEY_MAX], got[AUTH_KEY_MAX];

	memset(sha256, 1, sizeof(sha256));
	memset(md5, 2, sizeof(md5));
	name(hash, 2);
	cr_assert(auth_restcache_new(&cache, 4) == 0);
	auth_restcache_put(cache, hash, AUTH_SHA256, sha256);
	cr_assert(!auth_restcache_get(cache, hash, AUTH_MD5, got));
	auth_restcache_put(cache, hash, AUTH_MD5, md5);
	cr_assert(auth_restcache_get(cache, hash, AUTH_MD5, got));
	cr_assert(memcmp(got, md5, 16) == 0);
	cr_assert(auth_restcache_get(cache, hash, AUTH_SHA256, got));
	cr_assert(memcmp(got, sha256, 32) == 0);
	auth_restcache_free(cache);
}
