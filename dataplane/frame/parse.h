// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What parsing a frame and parsing the datagram inside an ICMP error have in common.
#pragma once

#include <turnpike/wire.h>

#include "checksum.h"
#include "frame.h"

// A walk through an IPv6 header's extension headers.
struct ip6_walk {
	uint32_t limit; // bytes that can be read from the IPv6 header on
	uint32_t at; // where it ended
	uint8_t protocol; // of what stands there
	bool fragment; // there was a Fragment header
};

// `ip` is an IPv6 header. FRAME_UDP: UDP or ICMPv6 stands at w->at; FRAME_FRAGMENT: a Fragment header of
// something that is not whole does; FRAME_OTHER: what is there is not for us; FRAME_MALFORMED: cut off.
uint8_t ip6_walk(struct ip6_walk *w, const uint8_t *ip);

// Whether an ICMP message of which `length` >= 8 bytes are readable is an error about a UDP datagram.
bool icmp_about_udp(const struct frame *f, const uint8_t *icmp, uint32_t length);
