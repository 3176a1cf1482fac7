// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The users that hold something: how many allocations (reservations among them), permissions and channels
// each has (RFC 8656 section 21.1: limits for each user). One entry for each user with at least one
// allocation; all memory taken at the start.
#pragma once

#include <stdint.h>

#define HOLDER_NONE UINT32_MAX

struct holder {
	uint8_t key[16]; // keyed hash of the user
	uint32_t allocations; // 0: free
	uint32_t permissions;
	uint32_t channels;
	uint32_t next; // in its chain, or in the free list
};

struct holders {
	struct holder *entries;
	uint32_t *heads; // by hash
	uint32_t capacity; // entries, and chains
	uint32_t free;
	uint32_t used; // entries
	uint8_t secret[16];
};

// Room for `capacity` users. Returns 0 or -ENOMEM.
int holders_create(struct holders *h, uint32_t capacity, const uint8_t secret[16]);
void holders_destroy(struct holders *h);

// The entry of a user, or HOLDER_NONE: has nothing.
uint32_t holders_find(const struct holders *h, const uint8_t key[16]);
uint32_t holders_allocations(const struct holders *h, const uint8_t key[16]);
// Counts one allocation more. Returns 0; -EDQUOT: the user has `limit` of them (0: no limit); -ENOSPC.
int holders_take(struct holders *h, const uint8_t key[16], uint32_t limit);
// Counts one less. With the last one the entry goes: permissions and channels must be gone before.
void holders_release(struct holders *h, const uint8_t key[16]);
