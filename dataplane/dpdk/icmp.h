// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// ICMP in both senses: errors about what we relayed (RFC 8656 section 11.5), and errors of our own
// about what could not be relayed (sections 13 and 14).
#pragma once

#include "worker.h"

// Takes over a frame that was parsed as FRAME_ICMP_ERROR: relays it, or leaves it to the kernel.
void icmp_receive(struct worker *w, struct packet *p, const uint8_t *data);

// Tells the sender of a frame, back by the way it came, within a budget. The frame stays the
// caller's.
void icmp_tell(struct worker *w, const struct packet *p, enum frame_error what, uint16_t mtu);
