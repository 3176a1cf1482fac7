// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// How many allocations somebody has: a user, or a client address (RFC 8656 section 5 and 7.2, error
// 486). One entry for each key with at least one; all memory taken at the start.
#pragma once

#include <stdint.h>

struct quota {
	uint32_t limit; // 0: no limit, and nothing is kept
	uint32_t capacity; // entries, and chains
	uint32_t free; // first free entry, plus 1
	uint32_t used; // entries in use
	uint32_t held; // sum of their counts
	uint8_t secret[16];
	uint32_t *heads; // by hash: entry plus 1
	struct quota_entry {
		uint8_t key[16];
		uint32_t count;
		uint32_t next; // entry plus 1
	} * entries;
};

// Room for `capacity` different keys. Returns 0 or -ENOMEM.
int quota_create(struct quota *q, uint32_t limit, uint32_t capacity, const uint8_t secret[16]);
void quota_destroy(struct quota *q);

// Counts one more. Returns 0; -EDQUOT: the key has as many as it may; -ENOSPC.
int quota_take(struct quota *q, const uint8_t key[16]);
// Counts one more though it be over the limit: for what was granted before a restart.
int quota_restore(struct quota *q, const uint8_t key[16]);
void quota_release(struct quota *q, const uint8_t key[16]);
uint32_t quota_count(const struct quota *q, const uint8_t key[16]);
