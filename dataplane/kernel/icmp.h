// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// ICMP errors about relayed datagrams, from a relay socket's error queue to the client
// (RFC 8656 section 11.5).
#pragma once

struct worker;
struct relay_socket;

// Empties the error queue. Returns how many errors it held. Sends at once, so it may be called
// while a burst is being sent.
unsigned int icmp_drain(struct worker *w, struct relay_socket *socket);
