// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The ways into the program's maps: commands by the mirror, next hops by the thread that asks the kernel.

#include <nexthop.h>

#include "xdp.h"

_Static_assert(XDP_HOPS == NEXTHOPS_MAX + 1, "a place for each number");

static struct table *table_of(struct xdp *x, enum mirror_table table)
{
	return table == MIRROR_CLIENTS ? &x->program.clients : &x->program.peers;
}

static int put(void *context, enum mirror_table table, const struct xdp_line *entry)
{
	return table_put(table_of(context, table), entry);
}

static void delete (void *context, enum mirror_table table, const struct xdp_line *entry)
{
	table_drop(table_of(context, table), entry);
}

static void write_port(void *context, uint32_t port, const struct xdp_port *entry)
{
	const struct xdp *x = context;

	xdp_port_write(&x->program.ports[port], entry);
}

static void on_destination(void *context, uint32_t destination, uint16_t hop)
{
	struct xdp *x = context;

	xdp_destination_write(x->program.destinations, destination, hop);
}

static void on_hop(void *context, uint16_t number, const struct nexthop *now)
{
	struct xdp *x = context;
	struct xdp_hop hop = {.to = 0};

	if (now->state == NEXTHOP_READY) {
		hop.to = xdp_hop_word(now->l2, now->mtu);
		hop.from = xdp_hop_word(now->l2 + 6, now->port);
	}
	xdp_hop_write(&x->program.hops[number], &hop);
}

const struct nexthops_listener maps_listener = {.destination = on_destination, .hop = on_hop};

static uint32_t take_destination(void *context, const struct tp_ip *ip)
{
	const struct xdp *x = context;

	return nexthops_take(x->nexthops, ip);
}

static void give_back_destination(void *context, uint32_t destination)
{
	const struct xdp *x = context;

	nexthops_give_back(x->nexthops, destination);
}

const struct mirror_ops maps_ops = {
	.put = put,
	.delete = delete,
	.write_port = write_port,
	.take_destination = take_destination,
	.give_back_destination = give_back_destination,
};
