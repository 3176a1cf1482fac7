// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Sums over bytes (RFC 1071), for checksums as include/turnpike/ip.h has them.
#pragma once

#include <string.h>

#include <turnpike/ip.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))

// The sum of `n` bytes, the first of which is the first of a word. Below 2^34.
static inline uint64_t sum_bytes(const uint8_t *b, uint32_t n)
{
	uint64_t sum = 0;
	uint16_t last = 0;

	// Words of any size do, if what they carry out comes in at the other end.
	for (; n >= 8; b += 8, n -= 8) {
		uint64_t word;

		memcpy(&word, b, 8);
		sum += word;
		sum += sum < word;
	}
	sum = (sum & 0xffffffffu) + (sum >> 32);
	if (n & 4) {
		sum += tp_load32(b);
		b += 4;
	}
	if (n & 2) {
		sum += tp_load16(b);
		b += 2;
	}
	if (n & 1) {
		memcpy(&last, b, 1);
		sum += last;
	}
	return sum;
}

// A Send or Data indication of an IPv4 peer up to its data: header, XOR-PEER-ADDRESS, DATA's header.
#define INDICATION_FRONT 36u

// The same, for what nearly always is ChannelData's header, an indication's or nothing.
static ALWAYS_INLINE uint64_t sum_front(const uint8_t *b, uint32_t n)
{
	uint64_t sum = 0;

	if (n == 4)
		return tp_load32(b);
	if (n != INDICATION_FRONT)
		return n ? sum_bytes(b, n) : 0;
#pragma GCC unroll 9
	for (uint32_t i = 0; i < INDICATION_FRONT; i += 4)
		sum += tp_load32(b + i);
	return sum;
}

// Whether a sum over a header with its checksum says that it is sound: it is 0 modulo 0xffff, and not 0. (The
// compiler turns a comparison like this into a multiplication.)
static ALWAYS_INLINE bool sum_sound(uint64_t sum)
{
	return sum % 0xffff == 0 && sum;
}

// The sum of bytes that stand at `position`: from an odd one, each byte is the other half of its word
// (RFC 1071 section 2 (B)).
static inline uint64_t sum_at(uint64_t sum, uint32_t position)
{
	return position & 1 ? __builtin_bswap16((uint16_t)tp_sum_fold(sum)) : sum;
}
