// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the relay puts in front of a peer's data: ChannelData's header (RFC 8656 section 12.4), or a
// Data indication up to the data (section 11.3).
#pragma once

#include "tables.h"

#define UDP4_PAYLOAD_MAX 65507u // 65535 - 20 - 8
#define UDP6_PAYLOAD_MAX 65527u // 65535 - 8

static inline void put16(uint8_t *b, uint32_t v)
{
	uint16_t be = TP_BE16((uint16_t)v);

	memcpy(b, &be, sizeof(be));
}

static inline void put32(uint8_t *b, uint32_t v)
{
	uint32_t be = TP_BE32(v);

	memcpy(b, &be, sizeof(be));
}

static inline uint32_t udp_payload_max(const struct tp_ip *client)
{
	return tp_ip_is4(client) ? UDP4_PAYLOAD_MAX : UDP6_PAYLOAD_MAX;
}

// The header of a Data indication and its XOR-PEER-ADDRESS. `more` is the bytes of the attributes that
// follow. Returns the bytes written: 32 or 44.
uint32_t indication_begin(
	struct relay *r, uint8_t *b, const struct tp_endpoint *peer, uint32_t more);
