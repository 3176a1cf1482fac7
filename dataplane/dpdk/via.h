// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// How a client's request came, for an answer to one who has no allocation: the port, the link-layer
// source, the VLAN. Opaque to the control plane, checked when it comes back.
//
//  0      1        7              9
// +------+--------+--------------+-----------+
// | port | source | tag (VLAN) | 0 ...     |
// +------+--------+--------------+-----------+
//
// The port counts from 1; the tag is as on the wire, 0: none.
#pragma once

#include <errno.h>
#include <string.h>

#include <frame.h>
#include <turnpike/record.h>

// `frame` begins with the destination; l2_length is 14, or 18 with a tag.
static inline void via_set(
	struct tp_via *via, uint8_t port, const uint8_t *frame, uint16_t l2_length)
{
	*via = (struct tp_via){.b = {(uint8_t)(port + 1)}};
	memcpy(via->b + 1, frame + 6, 6);
	if (l2_length == FRAME_L2_MAX) {
		memcpy(via->b + 7, frame + 14, 2);
		via->b[9] = 1;
	}
}

// The link-layer header of the answer, but for the source address, which is the port's, and the
// EtherType. Returns its length and writes *port; -EINVAL: nothing that via_set() would write.
static inline int via_get(const struct tp_via *via, uint32_t ports, uint8_t *port, uint8_t *l2)
{
	static const uint8_t zeros[6];

	if (!via->b[0] || via->b[0] > ports || (via->b[1] & 1) || !memcmp(via->b + 1, zeros, 6) ||
		via->b[9] > 1 || memcmp(via->b + 10, zeros, 6) != 0)
		return -EINVAL;
	*port = (uint8_t)(via->b[0] - 1);
	memcpy(l2, via->b + 1, 6);
	if (!via->b[9])
		return 14;
	l2[12] = 0x81;
	l2[13] = 0x00;
	memcpy(l2 + 14, via->b + 7, 2);
	return FRAME_L2_MAX;
}
