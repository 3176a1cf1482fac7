// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Bytes that end where the next page can't be touched.
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
	uint8_t *base;
	uint8_t *end; // the first byte that traps
	size_t size;
};

static inline struct guard guard_make(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (bytes + page - 1) / page * page;
	uint8_t *base = mmap(
		NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED || mprotect(base + size, page, PROT_NONE))
		cr_fatal("no guard page");
	return (struct guard){.base = base, .end = base + size, .size = size + page};
}

// `n` bytes, the last of them before the trap.
static inline uint8_t *guard_put(const struct guard *g, const uint8_t *bytes, size_t n)
{
	return memcpy(g->end - n, bytes, n);
}

static inline void guard_free(struct guard *g)
{
	munmap(g->base, g->size);
}
