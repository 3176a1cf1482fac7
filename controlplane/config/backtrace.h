// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// libcyaml tells what is wrong, then, from the inside out, in which field and entry. This turns its lines
// into one key path and one sentence.
#pragma once

#include <stdarg.h>

#include <cyaml/cyaml.h>

#include "place.h"

struct backtrace {
	char problem[320]; // libcyaml's first line
	char path[256]; // as far as it is known
};

// A cyaml_log_fn_t; the context is a struct backtrace.
void backtrace_log(cyaml_log_t level, void *context, const char *format, va_list arguments);
// `otherwise` is the sentence when libcyaml logged none.
void backtrace_complain(const struct backtrace *b, struct place *place, const char *otherwise);
