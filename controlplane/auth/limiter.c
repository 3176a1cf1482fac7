// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "limiter.h"

#include <errno.h>
#include <stdlib.h>

#include "siphash.h"

#define BUCKETS 65536u // 512 KiB
#define BURST_MIN 10u
#define RATE_MAX 1000000u // per second: with it 2^43 milliseconds still fit 64 bits
#define TOKEN 1000u // what one answer costs, in milliseconds times rate

// A bucket is one number: the time at which it is full again, in milliseconds times rate, so that
// every rate is exact in integers. It is full when that time is past, empty when it is a burst
// ahead.
struct auth_limiter {
	uint8_t key[16];
	uint64_t rate; // per second; 0: no limit
	uint64_t burst;
	uint64_t full_at[BUCKETS];
};

int auth_limiter_new(struct auth_limiter **out, const uint8_t key[16], uint32_t per_second)
{
	static const char label[] = "limiter";
	struct auth_limiter *limiter = calloc(1, sizeof(*limiter));

	if (!limiter)
		return -ENOMEM;
	siphash128(key, label, sizeof(label), limiter->key);
	limiter->rate = per_second < RATE_MAX ? per_second : RATE_MAX;
	limiter->burst = (limiter->rate > BURST_MIN ? limiter->rate : BURST_MIN) * TOKEN;
	*out = limiter;
	return 0;
}

void auth_limiter_free(struct auth_limiter *limiter)
{
	free(limiter);
}

bool auth_limiter_take(struct auth_limiter *limiter, const struct tp_ip *from, uint64_t now_ms)
{
	struct tp_ip party = tp_ip_party(from);
	uint64_t now, *full_at;

	if (!limiter->rate)
		return true;
	full_at = &limiter->full_at[siphash64(limiter->key, party.b, sizeof(party)) % BUCKETS];
	now = now_ms * limiter->rate;
	if (*full_at < now)
		*full_at = now;
	if (*full_at - now > limiter->burst - TOKEN)
		return false;
	*full_at += TOKEN;
	return true;
}
