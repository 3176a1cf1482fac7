// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The main thread of a race test: a line a second, and an end when nothing moves any more.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define WATCH_LOST 3 // exit code: a consumer sleeps on a ring with records in it
#define WATCH_STUCK 4 // exit code: nothing moved for a long time
#define WATCH_LOST_S 5
#define WATCH_STUCK_S 60

static inline uint64_t watch_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

// Returns when *done is `total`. `asleep` tells whether a wake-up was lost; NULL: there is none.
static inline void watch(const char *name, const uint64_t *done, uint64_t total,
	int (*asleep)(void *context), void *context)
{
	const struct timespec tick = {.tv_nsec = 20000000};
	uint64_t start = watch_ms();
	uint64_t moved = start;
	uint64_t told = start;
	uint64_t last = 0;

	for (;;) {
		uint64_t n = __atomic_load_n(done, __ATOMIC_RELAXED);
		uint64_t now = watch_ms();

		if (n != last)
			moved = now;
		last = n;
		if (n >= total || now - told >= 1000) {
			printf("%s: %lu of %lu after %lu ms\n", name, n, total, now - start);
			fflush(stdout);
			told = now;
		}
		if (n >= total)
			return;
		if (asleep && now - moved > WATCH_LOST_S * 1000 && asleep(context)) {
			printf("%s: a wake-up was lost at %lu\n", name, n);
			exit(WATCH_LOST);
		}
		if (now - moved > WATCH_STUCK_S * 1000) {
			printf("%s: nothing moves at %lu\n", name, n);
			exit(WATCH_STUCK);
		}
		nanosleep(&tick, NULL);
	}
}

static inline uint64_t random64(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}
