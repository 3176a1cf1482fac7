// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "limiter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bucket.h"
#include "siphash.h"

#define BUCKETS 65536u // 512 KiB for each level
#define BURST_MIN 10u

struct level {
	uint8_t key[16];
	struct bucket_rate rate;
	uint64_t full_at[BUCKETS];
};

struct auth_limiter {
	_Alignas(64) struct level address;
	struct level network;
};

static void level_init(
	struct level *l, const uint8_t key[16], const char label[8], uint32_t per_second)
{
	siphash128(key, label, 8, l->key);
	l->rate = bucket_rate(per_second, per_second > BURST_MIN ? per_second : BURST_MIN);
}

int auth_limiter_new(struct auth_limiter **out, const uint8_t key[16], uint32_t per_address,
	uint32_t per_network)
{
	struct auth_limiter *limiter = aligned_alloc(64, sizeof(*limiter));

	if (!limiter)
		return -ENOMEM;
	// Touched now, where calloc() would leave that to the first flood.
	memset(limiter, 0, sizeof(*limiter));
	level_init(&limiter->address, key, "limiter", per_address);
	level_init(&limiter->network, key, "network", per_network);
	*out = limiter;
	return 0;
}

void auth_limiter_free(struct auth_limiter *limiter)
{
	free(limiter);
}

static uint64_t *find(struct level *l, const struct tp_ip *prefix)
{
	return &l->full_at[siphash64(l->key, prefix->b, sizeof(*prefix)) % BUCKETS];
}

bool auth_limiter_take(struct auth_limiter *limiter, const struct tp_ip *from, uint64_t now_ms)
{
	const struct tp_ip party = tp_ip_party(from), network = tp_ip_network(from);
	uint64_t *address = find(&limiter->address, &party);
	uint64_t *wider = find(&limiter->network, &network);

	if (!bucket_has(*address, &limiter->address.rate, now_ms) ||
		!bucket_has(*wider, &limiter->network.rate, now_ms))
		return false;
	bucket_take(address, &limiter->address.rate, now_ms);
	bucket_take(wider, &limiter->network.rate, now_ms);
	return true;
}
