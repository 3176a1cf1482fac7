// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A token bucket in one number: the time at which it is full again, in milliseconds times rate, so that every
// rate is exact in integers. It is full when that time is past, empty when it is a burst ahead.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BUCKET_RATE_MAX 1000000u // per second: with it 2^43 milliseconds still fit 64 bits
#define BUCKET_TOKEN 1000u // milliseconds times rate

struct bucket_rate {
	uint64_t rate; // tokens per second; 0: no limit
	uint64_t burst; // in milliseconds times rate
};

// `per_second` tokens, more than a million are taken as a million; `burst` of them at once.
static inline struct bucket_rate bucket_rate(uint32_t per_second, uint64_t burst)
{
	return (struct bucket_rate){
		.rate = per_second < BUCKET_RATE_MAX ? per_second : BUCKET_RATE_MAX,
		.burst = burst * BUCKET_TOKEN,
	};
}

// Whether a token is there, or none is needed. `now_ms` is monotonic.
static inline bool bucket_has(uint64_t full_at, const struct bucket_rate *r, uint64_t now_ms)
{
	const uint64_t now = now_ms * r->rate;

	return !r->rate || full_at <= now || full_at - now <= r->burst - BUCKET_TOKEN;
}

// Takes a token; bucket_has() said that there is one.
static inline void bucket_take(uint64_t *full_at, const struct bucket_rate *r, uint64_t now_ms)
{
	const uint64_t now = now_ms * r->rate;

	if (!r->rate)
		return;
	if (*full_at < now)
		*full_at = now;
	*full_at += BUCKET_TOKEN;
}

// Gives a token back that was taken at the same `now_ms`.
static inline void bucket_return(uint64_t *full_at, const struct bucket_rate *r)
{
	if (r->rate && *full_at >= BUCKET_TOKEN)
		*full_at -= BUCKET_TOKEN;
}
