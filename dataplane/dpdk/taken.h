// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Relay ports that a program on this host has: what the kernel is not given any more, that program
// would miss.
#pragma once

#include <turnpike/addr.h>

// Whether a UDP socket of another program is bound to this address and port. A few microseconds.
// Any number of workers may ask about the same port at the same time. An address that the host
// doesn't have (yet) is nobody's.
bool taken(const struct tp_ip *ip, uint16_t port);
