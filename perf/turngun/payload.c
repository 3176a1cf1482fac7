// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "payload.h"

#include <assert.h>
#include <string.h>

#include <turnpike/ip.h>

#include "sizes.h"

#define PLACES 512u // where a stretch may begin
#define STEP 8u // bytes between them
#define PATTERN (PLACES * STEP + SIZES_MAX)
#define CHECK_AT 24u

static_assert(CHECK_AT + 4 == PAYLOAD_MIN, "the check is the stamp's last word");
static_assert(SIZES_MAX % 2 == 0 && PAYLOAD_MIN % 2 == 0, "a stretch begins with a word");

// Small enough for the first-level cache's neighbour; read only after payload_init().
static uint8_t pattern[PATTERN];
static uint32_t sums[PATTERN / 2 + 1]; // of the words before each

// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (SplitMix64's finaliser).
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

void payload_init(void)
{
	uint64_t word;

	for (uint32_t i = 0; i < PATTERN; i += 8) {
		word = mix(i + 1);
		memcpy(pattern + i, &word, 8);
	}
	for (uint32_t i = 0; i < PATTERN / 2; i++)
		sums[i + 1] = sums[i] + tp_load16(pattern + 2 * i);
}
static_assert(PATTERN % 8 == 0, "the pattern is made of words of 8 bytes");

static uint32_t place(const struct stamp *s)
{
	return (s->sequence * 13 + s->stream * 101) % PLACES * STEP;
}

static uint64_t pattern_sum(uint32_t at, uint32_t length)
{
	uint64_t sum = (uint64_t)sums[(at + length) / 2] - sums[at / 2];
	uint8_t last[2] = {length & 1 ? pattern[at + length - 1] : 0};

	return sum + tp_load16(last);
}

static uint64_t stamp_sum(const uint8_t *b)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < PAYLOAD_MIN; i += 4)
		sum += tp_load32(b + i);
	return sum;
}

static uint32_t check_of(const uint8_t *b)
{
	uint64_t word[3];

	memcpy(word, b, sizeof(word));
	return (uint32_t)mix(word[0] ^ mix(word[1] ^ mix(word[2])));
}

uint64_t payload_write(uint8_t *out, const struct stamp *s)
{
	uint32_t at = place(s), rest = s->length - PAYLOAD_MIN;

	static_assert(sizeof(*s) == CHECK_AT, "a stamp has no holes");
	memcpy(out, s, sizeof(*s));
	tp_store32(out + CHECK_AT, check_of(out));
	memcpy(out + PAYLOAD_MIN, pattern + at, rest);
	return stamp_sum(out) + pattern_sum(at, rest);
}

enum payload_state payload_read(
	struct stamp *s, uint64_t *sum, const uint8_t *data, uint32_t length, uint32_t run)
{
	uint32_t at;

	if (length < PAYLOAD_MIN)
		return PAYLOAD_UNKNOWN;
	memcpy(s, data, sizeof(*s));
	if (tp_load32(data + CHECK_AT) != check_of(data))
		return s->run == run ? PAYLOAD_BROKEN : PAYLOAD_UNKNOWN;
	if (s->run != run)
		return PAYLOAD_UNKNOWN;
	if (s->length != length || length > SIZES_MAX)
		return PAYLOAD_CORRUPT;
	at = place(s);
	if (memcmp(data + PAYLOAD_MIN, pattern + at, length - PAYLOAD_MIN) != 0)
		return PAYLOAD_CORRUPT;
	*sum = stamp_sum(data) + pattern_sum(at, length - PAYLOAD_MIN);
	return PAYLOAD_SOUND;
}
