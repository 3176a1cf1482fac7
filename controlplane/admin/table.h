// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Aligned columns of text. Control characters print as '?': a user's name is a stranger's choice.
#pragma once

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 10u

struct table {
	char **cells; // row by row
	size_t columns;
	size_t count;
	size_t room;
};

// `right` has a bit for each column that is aligned right.
void table_print(const struct table *table, unsigned int right, FILE *out);
// Adds the next cell; a NULL or missing text is "-".
[[gnu::format(printf, 2, 3)]] void table_add(struct table *table, const char *format, ...);
void table_free(struct table *table);
