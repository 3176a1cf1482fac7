// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"

#define HUGE_PAGE (2ull << 20)
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) & ~(to - 1);
}

// Maps on a huge page's boundary, so that whole huge pages fit: maps more, and cuts the ends off.
static uint8_t *map_aligned(uint64_t size)
{
	uint8_t *p = mmap(
		NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t head;

	if (p == MAP_FAILED)
		return NULL;
	head = round_up((uint64_t)(uintptr_t)p, HUGE_PAGE) - (uint64_t)(uintptr_t)p;
	if (head)
		munmap(p, head);
	munmap(p + head + size, HUGE_PAGE - head);
	return p + head;
}

int memory_take(struct memory *memory, uint64_t size)
{
	void *p;
	int err;

	size = round_up(size, size < HUGE_PAGE ? 4096 : HUGE_PAGE);
	if (size >= HUGE_PAGE) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
		if (p != MAP_FAILED) {
			*memory = (struct memory){p, size};
			return 0;
		}
	}
	p = map_aligned(size);
	if (!p)
		return -errno;
	// Refused where the host has switched transparent huge pages off: small pages serve too.
	madvise(p, size, MADV_HUGEPAGE);
	if (madvise(p, size, MADV_POPULATE_WRITE) < 0) {
		err = errno;
		if (err != EINVAL) {
			munmap(p, size);
			return -(err == EFAULT ? ENOMEM : err);
		}
		memset(p, 0, size); // Linux before 5.14
	}
	*memory = (struct memory){p, size};
	return 0;
}

void memory_give(struct memory *memory)
{
	if (memory->base)
		munmap(memory->base, memory->size);
	*memory = (struct memory){0};
}
