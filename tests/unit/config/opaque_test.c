// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "../../../controlplane/config/opaque.h"

static const struct {
	const char *in, *out;
} good[] = {
	{"", ""},
	{"correct horse battery staple", "correct horse battery staple"},
	{"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
	// The table of RFC 8265 section 4.2.4.
	{"Correct Horse Battery Staple", "Correct Horse Battery Staple"},
	{"\u03c0\u00df\u00e5", "\u03c0\u00df\u00e5"},
	{"Jack of \u2666s", "Jack of \u2666s"},
	{"foo\u1680bar", "foo bar"},
	{"\u3000\u00a0\u2003", "   "},
	{"e\u0301", "\u00e9"}, // composed
	{"\u212b", "\u00c5"}, // Angstrom is a letter with a ring, canonically
	{"\u2168\u00aa\ufb01", "\u2168\u00aa\ufb01"}, // compatibility forms stay, unlike SASLprep's
	{"\u30de\u30c8\u30ea\u30c3\u30af\u30b9", "\u30de\u30c8\u30ea\u30c3\u30af\u30b9"},
	{"\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"}, // a joiner after a virama
	{"\U0001f600", "\U0001f600"},
};

Test(opaque, a_text_is_mapped_and_composed_as_the_profile_says)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char *out = NULL, *again = NULL;

		cr_assert_eq(opaque_string(good[i].in, &out), 0, "%zu", i);
		cr_expect_str_eq(out, good[i].out);
		cr_assert_eq(opaque_string(out, &again), 0);
		cr_expect_str_eq(again, out, "twice is once");
		free(out);
		free(again);
	}
}

Test(opaque, what_the_profile_disallows_is_refused)
{
	static const char *const bad[] = {"my cat is a \tby", "a\n", "\x7f", "\xc2\x85",
		"The\u00adM", "a\u200bb", "a\u200db", "\u2028", "\u2029", "\ue000", "\ufdd0",
		"\U0001ffff", "\u0640", "\u1100", "\u0378", "\ufeff", "a\u034f", "\u115f"};
	static const char *const no_utf8[] = {
		"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *out = NULL;

		cr_expect_eq(opaque_string(bad[i], &out), -EINVAL, "%zu", i);
		cr_expect_null(out);
	}
	for (size_t i = 0; i < sizeof(no_utf8) / sizeof(no_utf8[0]); i++) {
		char *out = NULL;

		cr_expect_eq(opaque_string(no_utf8[i], &out), -EINVAL, "%zu", i);
		cr_expect_null(out);
	}
}
