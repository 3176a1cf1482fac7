// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The tables of two workers and the maps that mirror them, kept in step as workers do it.
#pragma once

#include "fake.h"

struct pair {
	struct relay_config config;
	struct fake fake;
	struct mirror *mirror;
	struct relay *relay[2]; // of two workers
	uint32_t dropping; // the worker whose command runs
};

extern struct pair pair;

void pair_start(void);
void pair_stop(void);
// Applies a command to that worker's tables and to the maps; where these refuse, the tables take it back.
enum tp_status pair_run(uint32_t worker, struct tp_command c);

static inline struct tp_command as(uint16_t kind, struct tp_command c)
{
	c.kind = kind;
	return c;
}
