// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The system calls of turnpike-control, once it serves (filter.h).
#pragma once

#include <filter.h>

extern const struct filter_call control_calls[];
extern const struct filter_call control_log_calls[]; // where it writes an abuse log
