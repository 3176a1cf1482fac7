// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The keyed hash of what strangers choose: an address and a word. Two 64x64->128 multiplications,
// folded, with secret operands. A flow's sender never sees a hash, and a colliding key costs it an
// authenticated allocation or channel of its own, so a secret-keyed multiply is enough here: what
// collisions could do at worst is bounded too, since a lookup reads two buckets and no more.
#pragma once

#include <stdint.h>

#include <turnpike/addr.h>

struct hash_key {
	uint64_t k[4];
};

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline uint64_t hash_address(
	const struct hash_key *key, const struct tp_ip *ip, uint64_t word)
{
	uint64_t h = hash_fold(ip->q[0] ^ key->k[0], ip->q[1] ^ key->k[1]);

	return hash_fold(h ^ word ^ key->k[2], key->k[3]);
}

// A step of a generator that nobody without the key predicts from a few outputs alone.
static inline uint64_t hash_next(const struct hash_key *key, uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15ull;
	return hash_fold(*state ^ key->k[0], *state ^ key->k[3]);
}

// Different purposes get unrelated keys of the same secret.
static inline void hash_key_init(struct hash_key *key, const uint64_t secret[2], uint64_t purpose)
{
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t x = secret[i & 1] + (4 * purpose + i + 1) * 0x9e3779b97f4a7c15ull;

		x = hash_fold(x ^ 0xd6e8feb86659fd93ull, secret[~i & 1] ^ 0xa0761d6478bd642full);
		// Odd, hence never 0: a multiplication by it loses nothing.
		key->k[i] = hash_fold(x ^ secret[i >> 1], 0xe7037ed1a0b428dbull) | 1;
	}
}
