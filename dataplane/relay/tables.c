// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "tables.h"

uint32_t relay_find_client(
	const struct relay *r, const struct tp_ip *ip, uint64_t key, uint64_t hash)
{
	uint32_t item[2 * INDEX_SLOTS];
	unsigned int n = index_candidates(&r->client_index, hash, item);

	for (unsigned int i = 0; i < n; i++)
		if (client_line_is(&r->clients[item[i]], ip, key))
			return item[i];
	return RELAY_NONE;
}

uint32_t relay_find_peer(
	const struct relay *r, uint32_t allocation, const struct tp_ip *ip, uint16_t port)
{
	uint32_t item[2 * INDEX_SLOTS];
	unsigned int n = index_candidates(&r->peer_index, peer_hash(r, allocation, ip, port), item);

	for (unsigned int i = 0; i < n; i++)
		if (peer_is(&r->peers[item[i]], allocation, ip, port))
			return item[i];
	return RELAY_NONE;
}

NEVER_INLINE bool client_line_lease(struct relay *r, struct client_line *l, uint32_t length)
{
	return lease_take(r, l->allocation, LEASE_TO_PEER, length, &l->lease);
}

NEVER_INLINE bool port_line_lease(struct relay *r, struct port_line *l, uint32_t length)
{
	return lease_take(r, l->allocation - 1, LEASE_TO_CLIENT, length, &l->lease);
}

void client_line_end(struct relay *r, struct client_line *l)
{
	lease_end(r, l->allocation, LEASE_TO_PEER, &l->lease);
}

void port_line_end(struct relay *r, struct port_line *l)
{
	lease_end(r, l->allocation - 1, LEASE_TO_CLIENT, &l->lease);
}
