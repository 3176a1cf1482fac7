// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "indication.h"

uint32_t indication_begin(
	struct relay *r, uint8_t *b, const struct tp_endpoint *peer, uint32_t more)
{
	bool ip4 = tp_ip_is4(&peer->ip);
	uint32_t address = ip4 ? 8 : 20;
	uint64_t tid[2];
	uint8_t *at;

	tid[0] = hash_next(&r->tid_key, &r->tid_state);
	tid[1] = hash_next(&r->tid_key, &r->tid_state);
	put16(b, TP_STUN_TYPE_DATA);
	put16(b + 2, 4 + address + more);
	put32(b + 4, TP_STUN_COOKIE);
	memcpy(b + 8, tid, TP_STUN_TID);
	at = b + TP_STUN_HEADER;
	put16(at, TP_ATTR_XOR_PEER_ADDRESS);
	put16(at + 2, address);
	put16(at + 4, ip4 ? TP_IPV4 : TP_IPV6);
	put16(at + 6, peer->port ^ TP_STUN_COOKIE >> 16);
	if (ip4) {
		put32(at + 8, TP_BE32(peer->ip.w[3]) ^ TP_STUN_COOKIE);
	} else {
		// XORed with cookie and transaction ID (RFC 8489 section 14.2).
		for (unsigned int i = 0; i < 16; i++)
			at[8 + i] = peer->ip.b[i] ^ b[4 + i];
	}
	return TP_STUN_HEADER + 4 + address;
}
