// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

// Reads a decimal or 0x number from `min` to `max`. Returns whether all of `text` is one.
static inline bool number_parse(
	const char *text, unsigned long min, unsigned long max, unsigned long *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoul(text, &end, 0);
	return !errno && !*end && *out >= min && *out <= max;
}
