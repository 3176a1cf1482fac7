// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// One mapping for everything a worker's tables need, taken and faulted in at start.
#pragma once

#include <stdint.h>

struct memory {
	uint8_t *base;
	uint64_t size;
};

// Maps at least `size` bytes of zeroes, all of them present: from the host's reserved huge pages,
// else as transparent huge pages. Returns 0, or -ENOMEM and the like.
int memory_take(struct memory *memory, uint64_t size);
void memory_give(struct memory *memory);
