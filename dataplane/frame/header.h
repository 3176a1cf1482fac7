// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Writing headers that are ours.
#pragma once

#include <turnpike/header.h>

#include "checksum.h"
#include "frame.h"

static ALWAYS_INLINE void put_ip(uint8_t *b, bool ip4, const struct tp_ip_fields *ip)
{
	if (ip4)
		tp_put_ip4(b, ip);
	else
		tp_put_ip6(b, ip);
}

// The link layer's header, with the EtherType of what follows it.
static ALWAYS_INLINE void put_l2(uint8_t *b, const uint8_t *l2, uint32_t length, bool ip4)
{
	// In the pieces that a next hop's words were written in (nexthop/entry.h): one load from two of
	// them would wait for both to reach the cache.
	memcpy(b, l2, 4);
	memcpy(b + 4, l2 + 4, 8);
	if (length == FRAME_L2_MAX)
		memcpy(b + TP_ETHERNET_HEADER - 2, l2 + TP_ETHERNET_HEADER - 2, TP_VLAN_TAG);
	tp_put16(b + length - 2, ip4 ? TP_ETHERTYPE_IP4 : TP_ETHERTYPE_IP6);
}
