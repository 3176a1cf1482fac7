// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// rte_flow rules that bring relay ports to the queues of their owners, by the lowest bits of the port.
#pragma once

#include "port.h"

// Makes them for every relay address. Returns 0 or a negative errno, with the reason in `why`: the
// port can't, and no rule is left.
int rules_make(const struct port *p, const struct settings *s, char *why, size_t size);
void rules_remove(const struct port *p);
