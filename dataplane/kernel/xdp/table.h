// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Writing the tables of bpf/line.h, while the program reads them.
#pragma once

#include <state.h>

struct table {
	struct xdp_line *lines; // xdp_lines(homes) of them, the map itself
	const struct xdp_hash *hash;
	uint64_t key; // what of word[2] is the key
	uint32_t homes;
};

// Puts an entry, or another one of the same key in its place; `near` and `sequence` are the table's. Returns 0, or
// -ENOSPC: all lines near its home are taken, which next to never happens as long as there are two homes for each
// entry.
int table_put(struct table *t, const struct xdp_line *entry);

// What isn't there needs no dropping. Of `entry`, the key counts.
void table_drop(struct table *t, const struct xdp_line *entry);
