// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Results as members of the document (README.md), and as text.
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "gaps.h"
#include "load.h"
#include "setup.h"

json_t *report_setup(const struct setup_result *allocate, const struct setup_result *bind);
// What was asked for again beside the loads.
json_t *report_kept(const struct setup_result *r);
json_t *report_load(const struct load *l);
json_t *report_wire(const struct load *l, const struct options *o);
json_t *report_gaps(const struct gaps *g);
void report_gaps_text(FILE *out, const struct gaps *g);
void report_setup_text(
	FILE *out, const struct setup_result *allocate, const struct setup_result *bind);
void report_load_text(FILE *out, const struct load *l);
