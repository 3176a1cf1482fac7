// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Bytes that end where memory ends: one read too far kills the test.
#pragma once

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

struct guard {
	uint8_t *end;
};

static inline struct guard guard_new(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t room = 17 * page;
	uint8_t *base = mmap(
		NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert(base != MAP_FAILED);
	cr_assert(mprotect(base + room, page, PROT_NONE) == 0);
	return (struct guard){base + room};
}

// Where `n` bytes (at most 64 KiB) just fit.
static inline uint8_t *guard_room(const struct guard *g, size_t n)
{
	return g->end - n;
}

static inline const uint8_t *guard_copy(const struct guard *g, const void *bytes, size_t n)
{
	return memcpy(guard_room(g, n), bytes, n);
}
