// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "stats.h"

static void count(struct worker *w, uint32_t port)
{
	struct rte_eth_stats *told = &w->told[port], now;
	struct tally *t = &w->agent.tally;

	if (rte_eth_stats_get(w->shared->port[port].id, &now))
		return;
	tally_add(t, TP_C_port_missed, now.imissed - told->imissed);
	tally_add(t, TP_C_port_no_buffer, now.rx_nombuf - told->rx_nombuf);
	tally_add(t, TP_C_port_error, now.ierrors - told->ierrors);
	*told = now;
}

void stats_count(struct worker *w)
{
	if (w->index || w->agent.now - w->told_at < STATS_MS)
		return;
	w->told_at = w->agent.now;
	for (uint32_t i = 0; i < w->shared->ports; i++)
		count(w, i);
}
