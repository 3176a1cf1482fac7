// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Random histories for turn_fuzz.c from numbered seeds: how many is the argument, from which seed on the second.
// Most requests are their clients' own and signed, so that histories get somewhere.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../race/watch.h"

#define STEP 5u
#define STEPS 160u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A step: a request, most of the time of one of four clients as itself; time stands still for a while.
static void make_step(uint8_t *s, uint64_t *state)
{
	uint64_t r = random64(state);

	for (unsigned int i = 0; i < STEP; i++, r >>= 8)
		s[i] = (uint8_t)r;
	if (r & 7)
		s[1] = 0x18 | (s[1] & 3);
	if ((s[0] & 0xf) >= 12 && r & 0x18)
		s[0] = (uint8_t)((s[0] & 0xf0) | (s[0] & 0xf) % 12);
}

static void make_history(uint8_t *out, uint64_t seed)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;

	for (unsigned int i = 0; i < STEPS; i++)
		make_step(out + i * STEP, &state);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
	unsigned long first = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	uint8_t history[STEPS * STEP];

	for (unsigned long seed = first; seed < first + count; seed++) {
		// Told before it runs, so that a failure names its seed.
		printf("\r%lu", seed);
		fflush(stdout);
		make_history(history, seed);
		LLVMFuzzerTestOneInput(history, sizeof(history));
	}
	printf("\nturn_random: %lu histories\n", count);
	return 0;
}
