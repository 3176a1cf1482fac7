// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "steer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rules.h"

#define WHY_MAX 200
#define GROUPS_MAX (RSS_TABLE_MAX / RTE_ETH_RETA_GROUP_SIZE)
#define HASH_UDP (RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP)

static uint64_t functions(const struct rss *r)
{
	uint64_t only = RTE_ETH_RSS_L4_DST_ONLY;

	return HASH_UDP | only | (r->hash == RSS_DESTINATION ? RTE_ETH_RSS_L3_DST_ONLY : 0);
}

// What RSS of the port lacks for the key and table, into `why`. Returns whether it lacks anything.
static bool lacks(const struct rte_eth_dev_info *info, const struct rss *r, char *why)
{
	if (functions(r) & ~info->flow_type_rss_offloads)
		snprintf(why, WHY_MAX, "its RSS can't hash the destination%s of UDP alone",
			r->hash == RSS_DESTINATION ? "" : " port");
	else if (info->hash_key_size != r->key_length)
		snprintf(why, WHY_MAX,
			"its RSS key has %u bytes, and the one that was given has %u",
			info->hash_key_size, r->key_length);
	else if (!info->reta_size || info->reta_size % r->table_size ||
		 info->reta_size > RSS_TABLE_MAX)
		snprintf(why, WHY_MAX,
			"its RSS table has %u entries, which is no multiple of the %u that were "
			"given, or more than %u",
			info->reta_size, r->table_size, RSS_TABLE_MAX);
	else
		return false;
	return true;
}

static bool wants_rss(const struct settings *s)
{
	return s->common.workers > 1 && s->placement != PLACEMENT_EVERY && rss_tells(&s->rss) &&
	       (s->steering == STEERING_AUTO || s->steering == STEERING_RSS);
}

void steer_configure(
	struct rte_eth_conf *conf, const struct rte_eth_dev_info *info, const struct settings *s)
{
	struct rte_eth_rss_conf *rss = &conf->rx_adv_conf.rss_conf;
	char why[WHY_MAX];

	if (!info->flow_type_rss_offloads)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	rss->rss_hf = info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP);
	if (!wants_rss(s) || lacks(info, &s->rss, why))
		return;
	rss->rss_key = (uint8_t *)s->rss.key;
	rss->rss_key_len = (uint8_t)s->rss.key_length;
	rss->rss_hf = functions(&s->rss);
}

static void fill(struct rte_eth_rss_reta_entry64 *groups, uint16_t size, const struct rss *r)
{
	for (uint32_t i = 0; i < size; i++) {
		struct rte_eth_rss_reta_entry64 *g = &groups[i / RTE_ETH_RETA_GROUP_SIZE];

		g->mask = UINT64_MAX;
		g->reta[i % RTE_ETH_RETA_GROUP_SIZE] = r->table[i % r->table_size];
	}
}

// What the port now says of itself, where it says anything.
static bool agrees(const struct port *p, const struct rte_eth_dev_info *info, const struct rss *r,
	const struct rte_eth_rss_reta_entry64 *wanted)
{
	struct rte_eth_rss_reta_entry64 groups[GROUPS_MAX] = {0};
	uint8_t key[RSS_KEY_MAX] = {0};
	struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = (uint8_t)r->key_length};
	int err = rte_eth_dev_rss_hash_conf_get(p->id, &conf);

	if (err != -ENOTSUP && (err || memcmp(key, r->key, r->key_length) != 0))
		return false;
	for (uint32_t i = 0; i < GROUPS_MAX; i++)
		groups[i].mask = wanted[i].mask;
	err = rte_eth_dev_rss_reta_query(p->id, groups, info->reta_size);
	for (uint32_t i = 0; !err && i < info->reta_size; i++)
		if (groups[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] !=
			r->table[i % r->table_size])
			return false;
	return !err || err == -ENOTSUP;
}

static int set_rss(const struct port *p, const struct settings *s, char *why)
{
	struct rte_eth_rss_reta_entry64 groups[GROUPS_MAX] = {0};
	struct rte_eth_dev_info info;
	int err = rte_eth_dev_info_get(p->id, &info);

	if (err || (info.flow_type_rss_offloads && lacks(&info, &s->rss, why)))
		return -ENOTSUP;
	if (!info.flow_type_rss_offloads) {
		fprintf(stderr,
			"turnpike-dpdk: port %s has no RSS of its own: relay ports are expected at "
			"the queues that the key and table name.\n",
			p->spec);
		return 0;
	}
	fill(groups, info.reta_size, &s->rss);
	err = rte_eth_dev_rss_reta_update(p->id, groups, info.reta_size);
	if (err)
		snprintf(why, WHY_MAX, "its RSS table can't be set: %s", strerror(-err));
	else if (!agrees(p, &info, &s->rss, groups))
		snprintf(why, WHY_MAX, "its RSS has another key or table than it was given");
	else
		return 0;
	return -ENOTSUP;
}

static int steer(const struct port *p, const struct settings *s, enum steering how, char *why)
{
	if (p->rx_queues < s->common.workers) {
		snprintf(why, WHY_MAX, "it has %u RX queues for %u workers", p->rx_queues,
			s->common.workers);
		return -ENOSPC;
	}
	if (how == STEERING_BITS)
		return 0;
	return how == STEERING_RULES ? rules_make(p, s, why, WHY_MAX) : set_rss(p, s, why);
}

// Returns the port that can't, NULL: all can.
static const struct port *try(const struct port *port, uint32_t ports, const struct settings *s,
	enum steering how, char *why)
{
	for (uint32_t i = 0; i < ports; i++) {
		if (!steer(&port[i], s, how, why))
			continue;
		for (uint32_t made = 0; how == STEERING_RULES && made < i; made++)
			rules_remove(&port[made]);
		return &port[i];
	}
	return NULL;
}

int steer_ports(
	const struct port *port, uint32_t ports, const struct settings *s, enum steering *how)
{
	bool any = s->steering == STEERING_AUTO, wanted = !any || s->placement == PLACEMENT_OWNER;
	const struct port *unable = NULL;
	char why[WHY_MAX] = "";

	*how = STEERING_AUTO;
	if (s->common.workers == 1 || s->placement == PLACEMENT_EVERY)
		return 0;
	for (enum steering way = STEERING_RULES; way <= STEERING_BITS; way++) {
		// That somebody else does the arithmetic is for the user to say.
		if (any ? way == STEERING_BITS || (way == STEERING_RSS && !rss_tells(&s->rss))
			: way != s->steering)
			continue;
		unable = try(port, ports, s, way, why);
		if (!unable) {
			*how = way;
			return 0;
		}
	}
	fprintf(stderr, "turnpike-dpdk: port %s: %s; so %s.\n", unable->spec, why,
		wanted ? "nobody knows the owners of relay ports: take --placement every, or "
			 "another --steering"
		       : "every worker is told of every relay port");
	return wanted ? -1 : 0;
}

uint32_t steer_owner(
	const struct settings *s, enum steering how, const struct tp_ip *relay, uint16_t port)
{
	return how == STEERING_RSS ? rss_queue(&s->rss, relay, port)
				   : steer_by_bits(port, s->common.workers);
}
