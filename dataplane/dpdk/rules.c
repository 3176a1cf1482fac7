// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_flow.h>

static int make(const struct port *p, const struct tp_ip *ip, uint16_t value, uint16_t mask,
	uint16_t queue, struct rte_flow_error *error)
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

	if (!tp_ip_is4(ip)) {
		memset(any6.hdr.dst_addr, 0xff, sizeof(any6.hdr.dst_addr));
		memcpy(to6.hdr.dst_addr, ip->b, sizeof(ip->b));
		pattern[1] = (struct rte_flow_item){
			.type = RTE_FLOW_ITEM_TYPE_IPV6, .spec = &to6, .mask = &any6};
	}
	return rte_flow_create(p->id, &attributes, pattern, actions, error) ? 0 : -ENOTSUP;
}

void rules_remove(const struct port *p)
{
	struct rte_flow_error error;

	rte_flow_flush(p->id, &error);
}

int rules_make(const struct port *p, const struct settings *s, char *why, size_t size)
{
	const struct tp_capabilities *caps = &s->common.capabilities;
	uint32_t workers = s->common.workers, values = 1;
	struct rte_flow_error error = {0};
	int err = 0;

	// Its driver looks whether a mask is there, not at its bits: every rule would match one port.
	if (!strcmp(p->driver, "net_tap"))
		err = -ENOTSUP;
	while (values < workers)
		values *= 2;
	for (uint32_t r = 0; !err && r < caps->relays; r++)
		for (uint32_t v = 0; !err && v < values; v++)
			err = make(p, &caps->relay[r].local, (uint16_t)v, (uint16_t)(values - 1),
				(uint16_t)(v % workers), &error);
	if (!err)
		return 0;
	snprintf(why, size, "it takes no rte_flow rule for the lowest bits of a UDP port%s%s",
		error.message ? ": " : "", error.message ? error.message : "");
	rules_remove(p);
	return err;
}
