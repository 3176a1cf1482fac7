// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

#include "wire.h"

// Sends back what comes, for so long; 0: until SIGTERM or SIGINT. Says "ready" on stdout before.
void reflect(struct wire *w, double seconds);
