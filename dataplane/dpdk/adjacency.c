// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "adjacency.h"

const struct adjacency *adjacency_read(struct adjacencies *all, const struct nexthops_view *v,
	const struct entry *e, struct out *out, uint32_t ports)
{
	struct adjacency *a = &all->adjacency[(uint64_t)(e - v->entry) % ADJACENCIES];
	struct nexthop hop;
	uint64_t sequence = entry_read(e, &hop);

	a->entry = NULL;
	if (hop.state != NEXTHOP_READY || hop.port >= ports)
		return NULL;
	*a = (struct adjacency){
		.entry = e, .sequence = sequence, .out = &out[hop.port], .mtu = hop.mtu};
	memcpy(a->l2, hop.l2, sizeof(a->l2));
	return a;
}
