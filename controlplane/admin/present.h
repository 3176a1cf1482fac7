// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The control plane's answers as text for people. What is missing or of another type prints as "-" or 0.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

void present_status(const json_t *status, FILE *out);
void present_allocations(const json_t *allocations, FILE *out);
// Those that are not zero, or all, with what they mean.
void present_counters(const json_t *counters, bool all, FILE *out);

#define PRESENT_DURATION 32u
// "42 s", "3 min 20 s", "5 h 2 min", "3 d 4 h". Returns `out`.
const char *present_duration(json_int_t seconds, char out[PRESENT_DURATION]);
