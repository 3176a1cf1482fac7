// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The other end of a veth, which may be in another network namespace.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Whether an XDP program is on it. False too where that can't be found out: asking about another namespace takes
// CAP_NET_ADMIN there.
bool far_end_has_program(uint32_t ifindex);
