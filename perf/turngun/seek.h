// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Waiting for a next hop to be known.
#pragma once

#include "wire.h"

#define SEEK_SECONDS 5u

// Completes a path like wire_ops.find, but receives (and answers solicitations) until the next hop has answered.
// -EHOSTUNREACH: it has not, in SEEK_SECONDS; stderr says so.
int seek(struct wire *w, struct path *p);
