// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Memory for packets, all of it taken at start.
#pragma once

#include <rte_mempool.h>

#include "settings.h"

struct pools {
	struct rte_mempool *frames; // what a port receives into, and everything up to its size
	struct rte_mempool *big; // reassembled datagrams: 64 KB each
};

// Returns 0, or -1 after a sentence on stderr. EAL frees them with everything else.
int pools_make(struct pools *p, const struct settings *s);

// What EAL has to be given, without huge pages.
uint32_t pools_megabytes(const struct settings *s);
