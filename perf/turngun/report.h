// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Results as members of the document (README.md), and as text.
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "gaps.h"

json_t *report_gaps(const struct gaps *g);
void report_gaps_text(FILE *out, const struct gaps *g);
