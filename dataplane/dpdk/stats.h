// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What ports drop by themselves, as counters.
#pragma once

#include "worker.h"

#define STATS_MS 1000u

// By worker 0, once a second: reading a NIC's registers takes a few microseconds.
void stats_count(struct worker *w);
