// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "steer.h"

#include <errno.h>
#include <string.h>

#include <rte_flow.h>

static int steer(
	const struct port *p, const struct tp_ip *ip, uint16_t value, uint16_t mask, uint16_t queue)
{
	static const struct rte_flow_item_ipv4 any4 = {.hdr.dst_addr = UINT32_MAX};
	struct rte_flow_item_ipv6 any6 = {0};
	struct rte_flow_item_ipv4 to4 = {.hdr.dst_addr = ip->w[3]};
	struct rte_flow_item_ipv6 to6 = {0};
	struct rte_flow_item_udp udp = {.hdr.dst_port = rte_cpu_to_be_16(value)};
	struct rte_flow_item_udp bits = {.hdr.dst_port = rte_cpu_to_be_16(mask)};
	struct rte_flow_action_queue to = {.index = queue};
	const struct rte_flow_attr attributes = {.ingress = 1};
	const struct rte_flow_action actions[] = {{.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &to},
		{.type = RTE_FLOW_ACTION_TYPE_END}};
	struct rte_flow_item pattern[] = {{.type = RTE_FLOW_ITEM_TYPE_ETH},
		{.type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &to4, .mask = &any4},
		{.type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &udp, .mask = &bits},
		{.type = RTE_FLOW_ITEM_TYPE_END}};
	struct rte_flow_error error;

	if (!tp_ip_is4(ip)) {
		memset(any6.hdr.dst_addr, 0xff, sizeof(any6.hdr.dst_addr));
		memcpy(to6.hdr.dst_addr, ip->b, sizeof(ip->b));
		pattern[1] = (struct rte_flow_item){
			.type = RTE_FLOW_ITEM_TYPE_IPV6, .spec = &to6, .mask = &any6};
	}
	return rte_flow_create(p->id, &attributes, pattern, actions, &error) ? 0 : -ENOTSUP;
}

int steer_port(const struct port *p, const struct settings *s)
{
	const struct tp_capabilities *caps = &s->common.capabilities;
	uint32_t workers = s->common.workers, values = 1;
	struct rte_flow_error error;
	int err = p->rx_queues < workers ? -ENOSPC : 0;

	while (values < workers)
		values *= 2;
	for (uint32_t r = 0; !err && r < caps->relays; r++)
		for (uint32_t v = 0; !err && v < values; v++)
			err = steer(p, &caps->relay[r].local, (uint16_t)v, (uint16_t)(values - 1),
				(uint16_t)(v % workers));
	if (err)
		rte_flow_flush(p->id, &error);
	return err;
}
