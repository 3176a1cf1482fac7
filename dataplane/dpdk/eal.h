// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// DPDK's environment: arguments, cores, memory.
#pragma once

#include "settings.h"

// Starts EAL as the settings ask. Worker i is to run on lcore eal_lcore(i). Other threads of ours
// and of EAL stay off the workers' cores where there are enough of them. Returns 0, or -1 after a
// sentence on stderr.
int eal_start(const struct settings *s);

// The lcore of worker `index`; RTE_MAX_LCORE: there is none.
unsigned int eal_lcore(uint32_t index);
