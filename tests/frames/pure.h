// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The table's first runner: parse, decide, rewrite, as a dataplane does it, with no I/O.
#pragma once

#include "cases.h"

case_runner pure_run;
