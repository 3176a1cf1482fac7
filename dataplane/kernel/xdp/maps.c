// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The ways into the program's maps: commands by the mirror, next hops by the thread that asks the kernel.

#include <errno.h>

#include <bpf/bpf.h>
#include <nexthop.h>

#include "xdp.h"

// Knows state.h's types by name alone.
#include <relay.skel.h>

static int put_client(
	void *context, const struct xdp_client_key *key, const struct xdp_client *client)
{
	const struct xdp *x = context;

	return bpf_map_update_elem(
		       bpf_map__fd(x->program.object->maps.clients), key, client, BPF_ANY) < 0
		       ? -errno
		       : 0;
}

static void delete_client(void *context, const struct xdp_client_key *key)
{
	const struct xdp *x = context;

	bpf_map_delete_elem(bpf_map__fd(x->program.object->maps.clients), key);
}

static int put_peer(void *context, const struct xdp_peer_key *key, const struct xdp_peer *peer)
{
	const struct xdp *x = context;

	return bpf_map_update_elem(bpf_map__fd(x->program.object->maps.peers), key, peer, BPF_ANY) <
			       0
		       ? -errno
		       : 0;
}

static void delete_peer(void *context, const struct xdp_peer_key *key)
{
	const struct xdp *x = context;

	bpf_map_delete_elem(bpf_map__fd(x->program.object->maps.peers), key);
}

static void write_port(void *context, uint32_t port, const struct xdp_port *entry)
{
	const struct xdp *x = context;

	xdp_port_write(&x->program.ports[port], entry);
}

void maps_on_hop(void *context, uint32_t destination, const struct nexthop *now)
{
	struct xdp *x = context;
	struct xdp_hop hop = {.to = 0};

	if (now->state == NEXTHOP_READY) {
		hop.to = xdp_hop_word(now->l2, now->mtu);
		hop.from = xdp_hop_word(now->l2 + 6, now->port);
	}
	xdp_hop_write(&x->program.hops[destination], &hop);
}

static uint32_t take_hop(void *context, const struct tp_ip *ip)
{
	const struct xdp *x = context;

	return nexthops_take(x->nexthops, ip);
}

static void give_back_hop(void *context, uint32_t hop)
{
	const struct xdp *x = context;

	nexthops_give_back(x->nexthops, hop);
}

const struct mirror_ops maps_ops = {
	.put_client = put_client,
	.delete_client = delete_client,
	.put_peer = put_peer,
	.delete_peer = delete_peer,
	.write_port = write_port,
	.take_hop = take_hop,
	.give_back_hop = give_back_hop,
};
