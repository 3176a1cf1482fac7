// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What a port drops by itself. Its numbers are the test's, in DPDK's place.

#include <criterion/criterion.h>
#include <stats.h>

#include "lab.h"

static struct rte_eth_stats says;
static unsigned int asked;
static struct lab lab;

int rte_eth_stats_get(uint16_t, struct rte_eth_stats *stats)
{
	*stats = says;
	asked++;
	return 0;
}

static void start(void)
{
	lab_start(&lab, 2, "every");
	lab.w->told_at = lab.w->agent.now;
	lab.plane.worker[1]->told_at = lab.w->agent.now;
	asked = 0;
}

TestSuite(dpdk_stats, .init = start);

static void after(uint64_t ms)
{
	for (unsigned int i = 0; i < 2; i++)
		worker_housekeeping(lab.plane.worker[i], lab.w->agent.now + (i ? 0 : ms));
}

Test(dpdk_stats, each_drop_of_a_port_is_counted_once_under_its_name)
{
	says = (struct rte_eth_stats){.imissed = 3, .rx_nombuf = 5, .ierrors = 7};
	after(STATS_MS);
	after(STATS_MS);
	says.imissed += 10;
	after(STATS_MS);
	cr_assert_eq(lab_count(&lab, TP_C_port_missed), 13);
	cr_assert_eq(lab_count(&lab, TP_C_port_no_buffer), 5);
	cr_assert_eq(lab_count(&lab, TP_C_port_error), 7);
}

Test(dpdk_stats, a_port_is_asked_by_one_worker_once_a_second)
{
	after(STATS_MS - 1);
	cr_assert_eq(asked, 0);
	after(1);
	after(STATS_MS - 1);
	cr_assert_eq(asked, 1);
}
