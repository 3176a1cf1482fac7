// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// STUN messages for the control plane.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct worker;
struct relay_from_client;

// Puts a datagram into the punt ring and counts it. `known`: its client has an allocation.
// Strangers get half of the ring at most, so that a flood of them keeps nobody from refreshing.
void punt(struct worker *w, const struct relay_from_client *in, bool known);
