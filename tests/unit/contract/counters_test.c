// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <ctype.h>
#include <string.h>

#include <criterion/criterion.h>

#include <turnpike/counters.h>

#define X(name, text) {#name, text},
static const struct {
	const char *name;
	const char *text;
} dataplane[] = {TP_COUNTERS(X)}, control[] = {TP_CONTROL_COUNTERS(X)};
#undef X

#define expect_unique(list) \
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) { \
		cr_assert_gt(strlen(list[i].text), 5, "%s", list[i].name); \
		for (const char *c = list[i].name; *c; c++) \
			cr_assert(islower(*c) || isdigit(*c) || *c == '_', "%s", list[i].name); \
		for (size_t j = 0; j < i; j++) \
			cr_assert_str_neq(list[i].name, list[j].name); \
	}

Test(counters, every_name_is_there_once_with_a_meaning)
{
	expect_unique(dataplane);
	expect_unique(control);
	cr_assert_eq(sizeof(dataplane) / sizeof(*dataplane), TP_COUNTER_COUNT);
	cr_assert_eq(sizeof(control) / sizeof(*control), TP_CONTROL_COUNTER_COUNT);
}

Test(counters, counting_one_changes_no_other)
{
	struct tp_counters c = {0};

	tp_count(&c, TP_C_channel_unbound, 3);
	tp_count(&c, TP_C_channel_unbound, 1ull << 40);
	for (unsigned int i = 0; i < TP_COUNTER_SLOTS; i++)
		cr_assert_eq(tp_counter(&c, i), i == TP_C_channel_unbound ? (1ull << 40) + 3 : 0);
}
