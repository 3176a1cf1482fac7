// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The one way packet bytes are read: a cursor that can't leave its bytes. A read past the end gives
// zeros and sets `overrun`, which stays: callers read what they need and check once.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stun_cursor {
	const uint8_t *at;
	size_t left; // bytes
	bool overrun;
};

// The next `n` bytes, or NULL when there are fewer.
static inline const uint8_t *stun_take(struct stun_cursor *c, size_t n)
{
	const uint8_t *p = c->at;

	if (n > c->left) {
		c->overrun = true;
		return NULL;
	}
	c->at += n;
	c->left -= n;
	return p;
}

static inline uint64_t stun_take_number(struct stun_cursor *c, size_t n)
{
	const uint8_t *p = stun_take(c, n);
	uint64_t v = 0;

	if (!p)
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static inline uint8_t stun_take_u8(struct stun_cursor *c)
{
	return (uint8_t)stun_take_number(c, 1);
}

static inline uint16_t stun_take_u16(struct stun_cursor *c)
{
	return (uint16_t)stun_take_number(c, 2);
}

static inline uint32_t stun_take_u32(struct stun_cursor *c)
{
	return (uint32_t)stun_take_number(c, 4);
}

static inline uint64_t stun_take_u64(struct stun_cursor *c)
{
	return stun_take_number(c, 8);
}
