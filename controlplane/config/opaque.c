// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "opaque.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define VIRAMA UC_CCC_VR

static bool is_joiner(ucs4_t c)
{
	return c == 0x200c || c == 0x200d;
}

// Exceptions and old Hangul letters (RFC 8264 sections 9.6 and 9.9, RFC 5892 section 2.6).
static bool is_excepted(ucs4_t c)
{
	return c == 0x0640 || c == 0x07fa || c == 0x302e || c == 0x302f ||
	       (c >= 0x3031 && c <= 0x3035) || c == 0x303b || (c >= 0x1100 && c <= 0x11ff) ||
	       (c >= 0xa960 && c <= 0xa97c) || (c >= 0xd7b0 && c <= 0xd7fb);
}

// The FreeformClass of RFC 8264 section 4.3: letters, digits, marks, symbols, punctuation and spaces.
static bool is_free(ucs4_t c, ucs4_t before)
{
	const uc_general_category_t allowed = uc_general_category_or(
		uc_general_category_or(UC_CATEGORY_L, UC_CATEGORY_M),
		uc_general_category_or(UC_CATEGORY_N,
			uc_general_category_or(UC_CATEGORY_S,
				uc_general_category_or(UC_CATEGORY_P, UC_CATEGORY_Zs))));

	if (is_joiner(c))
		return uc_combining_class(before) == VIRAMA;
	return !is_excepted(c) && !uc_is_property_default_ignorable_code_point(c) &&
	       uc_is_general_category(c, allowed);
}

int opaque_string(const char *text, char **out)
{
	const size_t length = strlen(text);
	uint8_t *mapped = malloc(length + 1), *normal = NULL;
	size_t used = 0, size = 0;
	ucs4_t c, before = 0;
	const uint8_t *at = (const uint8_t *)text;
	int err = -EINVAL, n;

	*out = NULL;
	if (!mapped)
		return -ENOMEM;
	for (; (n = u8_strmbtouc(&c, at)) > 0; at += n) {
		if (!is_free(c, before))
			goto out;
		before = c;
		if (uc_is_general_category(c, UC_CATEGORY_Zs))
			c = ' ';
		used += (size_t)u8_uctomb(mapped + used, c, (ptrdiff_t)(length + 1 - used));
	}
	if (n < 0)
		goto out;
	err = -ENOMEM;
	// One byte more than there are, for the NUL: an empty text has a result too.
	mapped[used++] = '\0';
	normal = u8_normalize(UNINORM_NFC, mapped, used, NULL, &size);
	if (!normal)
		goto out;
	*out = (char *)normal;
	err = 0;
out:
	explicit_bzero(mapped, length + 1);
	free(mapped);
	return err;
}
