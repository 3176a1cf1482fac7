// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Keys of REST users that have proved themselves, by the keyed hash of their full name and the algorithm.
// Fixed memory, sets of four: what is new takes the place of the oldest of its set.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "key.h"

struct auth_restcache;

// Room for at least `users` keys, rounded up to a power of two. Returns 0 or -ENOMEM.
int auth_restcache_new(struct auth_restcache **out, uint32_t users);
// Wipes the keys. Takes NULL.
void auth_restcache_free(struct auth_restcache *cache);
bool auth_restcache_get(const struct auth_restcache *cache, const uint8_t hash[AUTH_HASH_LENGTH],
	enum auth_algorithm algorithm, uint8_t key[AUTH_KEY_MAX]);
void auth_restcache_put(struct auth_restcache *cache, const uint8_t hash[AUTH_HASH_LENGTH],
	enum auth_algorithm algorithm, const uint8_t key[AUTH_KEY_MAX]);
