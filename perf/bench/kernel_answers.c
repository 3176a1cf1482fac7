// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// In the place of the kernel that nexthop/ asks over netlink: everything goes by one gateway of each
// family, whose link-layer address is known. So tables of next hops of any size are filled without
// privileges and without a network; who reads them is none the wiser.

#include <string.h>

#include <rtnl.h>

#include "port_world.h"

#define EVERY_IFINDEX 1u

const uint8_t gateway_mac[6] = {0x02, 0, 0, 0, 0, 0x77};

int rtnl_open(struct rtnl *r)
{
	*r = (struct rtnl){0};
	return 0;
}

void rtnl_close(struct rtnl *)
{
}

int rtnl_get_route(struct rtnl *, const struct tp_ip *to, struct rtnl_route *out)
{
	*out = (struct rtnl_route){.usable = true, .ifindex = EVERY_IFINDEX, .gateway = *to};
	out->gateway.w[3] = TP_BE32(1);
	if (tp_ip_is4(to))
		out->gateway = tp_ip4(TP_BE32(0xc0000201));
	return 0;
}

int rtnl_get_neighbour(
	struct rtnl *, uint32_t ifindex, const struct tp_ip *ip, struct rtnl_neighbour *out)
{
	*out = (struct rtnl_neighbour){.ifindex = ifindex, .ip = *ip, .nud = RTNL_NUD_FIXED};
	memcpy(out->mac, gateway_mac, sizeof(out->mac));
	return 0;
}

int rtnl_get_link(struct rtnl *, uint32_t ifindex, struct rtnl_link *out)
{
	*out = (struct rtnl_link){.ifindex = ifindex, .running = true, .mtu = 1500};
	return 0;
}

int rtnl_use_neighbour(struct rtnl *, uint32_t, const struct tp_ip *, bool)
{
	return 0;
}

// Nothing to poll: the kernel never tells anything.
int rtnl_events_fd(const struct rtnl *)
{
	return -1;
}

int rtnl_listen(struct rtnl *, const struct rtnl_listener *)
{
	return 0;
}
