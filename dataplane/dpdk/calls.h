// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The system calls of this program, once its workers run (filter.h).
#pragma once

#include <filter.h>

extern const struct filter_call dpdk_calls[];
