// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Sizes of application data, in a cycle: of any stretch of packets each size has its share.
#pragma once

#include <stdint.h>

#define SIZES_MAX 1440u // bytes: with ChannelData's header, UDP's and IPv6's it fits 1,500
#define SIZES_CYCLE 256u
#define SIZES_KINDS 8u

struct sizes {
	uint16_t at[SIZES_CYCLE];
	uint32_t length; // of the cycle
	char text[64]; // as it was given
};

// "SIZE[:WEIGHT],...", or a mix by name: "turn" (20 ms of Opus, 160 bytes 50 times a second, beside video,
// 1,200 bytes 100 times a second), "imix" (110, 400 and 1,200 bytes, 50, 15 and 35 of 100). The weights'
// sum is the cycle's length. Returns 0 or -EINVAL.
int sizes_parse(struct sizes *s, const char *text);
