// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "adjacency.h"

void adjacencies_init(
	struct adjacencies *all, const struct nexthops *n, struct out *out, uint32_t ports)
{
	*all = (struct adjacencies){.hops = nexthops_view(n), .out = out, .ports = ports};
	for (uint16_t i = 0; i < ADJACENCIES; i++)
		all->adjacency[i].hop = i + 1;
}

const struct adjacency *adjacency_read(struct adjacencies *all, uint16_t hop)
{
	struct adjacency *a = &all->adjacency[hop % ADJACENCIES];
	const struct entry *e = &all->hops.entry[hop];
	struct nexthop read;
	uint64_t sequence = entry_read(e, &read);

	a->hop = hop + 1;
	if (read.state != NEXTHOP_READY || read.port >= all->ports)
		return NULL;
	*a = (struct adjacency){.hop = hop,
		.mtu = read.mtu,
		.entry = e,
		.sequence = sequence,
		.out = &all->out[read.port]};
	memcpy(a->l2, read.l2, sizeof(a->l2));
	return a;
}
