// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which destinations a change in the kernel's tables may concern: prefixes, few; when there are too many,
// everything of a family.
#pragma once

#include <turnpike/addr.h>

#define CHANGES_MAX 64u

struct change {
	struct tp_ip ip;
	struct tp_ip mask;
};

struct changes {
	struct change prefix[CHANGES_MAX];
	uint32_t count;
	bool all4;
	bool all6;
};

// `length` of the address in its own family: 0 to 32, or to 128.
void changes_add(
	struct changes *c, enum tp_family family, const struct tp_ip *ip, unsigned int length);
void changes_add_all(struct changes *c);
bool changes_any(const struct changes *c);
bool changes_cover(const struct changes *c, const struct tp_ip *ip);
