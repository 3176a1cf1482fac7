// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

// Makes '?' of every control character of a text (C0, DEL, and C1 as UTF-8 has it), for a line on somebody's
// terminal: strangers choose user names, and anybody may have written a file.
static inline void printable(char *text)
{
	unsigned char *to = (unsigned char *)text;

	for (const unsigned char *c = to; *c; c++) {
		if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			c++; // one '?' for both bytes
		else if (*c >= 0x20 && *c != 0x7f) {
			*to++ = *c;
			continue;
		}
		*to++ = '?';
	}
	*to = 0;
}
