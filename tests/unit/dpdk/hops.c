// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "hops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <read.h>

#define HOPS 32u

struct nexthops {
	uint64_t generation;
	uint8_t mac[6]; // the port's
	uint32_t used;
	struct nexthop usual;
	struct tp_ip ip[HOPS + 1];
	uint16_t word[HOPS + 1]; // a next hop for each destination
	struct entry entry[HOPS + 1];
};

int nexthops_create(struct nexthops **out, const struct nexthop_port *ports, uint32_t, uint32_t)
{
	static const struct nexthop unreachable = {.state = NEXTHOP_UNREACHABLE};

	*out = aligned_alloc(_Alignof(struct nexthops), sizeof(**out));
	if (!*out)
		return -ENOMEM;
	memset(*out, 0, sizeof(**out));
	for (uint16_t i = 0; i <= HOPS; i++)
		(*out)->word[i] = i;
	entry_write(&(*out)->entry[0], &unreachable);
	memcpy((*out)->mac, ports[0].mac, 6);
	(*out)->usual.state = NEXTHOP_UNREACHABLE;
	return 0;
}

void nexthops_destroy(struct nexthops *n)
{
	free(n);
}

uint32_t nexthops_take(struct nexthops *n, const struct tp_ip *ip)
{
	for (uint32_t i = 1; i <= n->used; i++)
		if (tp_ip_equal(&n->ip[i], ip))
			return i;
	if (n->used == HOPS)
		return 0;
	n->ip[++n->used] = *ip;
	entry_write(&n->entry[n->used], &n->usual);
	return n->used;
}

void nexthops_give_back(struct nexthops *, uint32_t)
{
}

void nexthops_prefetch_word(const struct nexthops *, uint32_t)
{
}

void nexthops_prefetch(const struct nexthops *, uint32_t)
{
}

enum nexthop_state nexthops_read(
	const struct nexthops *n, uint32_t destination, struct nexthop *out)
{
	const struct nexthops_view v = nexthops_view(n);

	return nexthops_view_read(&v, destination, out);
}

struct nexthops_view nexthops_view(const struct nexthops *n)
{
	return (struct nexthops_view){.word = n->word, .entry = n->entry};
}

uint64_t nexthops_generation(const struct nexthops *n)
{
	return n->generation;
}

void hops_set_port(struct nexthops *n, const uint8_t *mac)
{
	memcpy(n->mac, mac, 6);
}

void hops_set(struct nexthops *n, const struct tp_ip *ip, enum nexthop_state state,
	const uint8_t *mac, uint16_t mtu)
{
	struct nexthop hop = {.mtu = mtu, .l2_length = 14, .state = (uint8_t)state};

	// As the real ones: without a neighbour there is nothing of a header.
	if (mac) {
		memcpy(hop.l2, mac, 6);
		memcpy(hop.l2 + 6, n->mac, 6);
	}
	entry_write(&n->entry[nexthops_take(n, ip)], &hop);
	n->generation++;
}

void hops_set_every(struct nexthops *n, const struct nexthop *hop)
{
	n->usual = *hop;
	n->used = 0;
	n->generation++;
}
