// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "capabilities.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include <confine.h>
#include <rte_alarm.h>

static void keep_nothing(void *)
{
	confine_keep(0);
}

int capabilities_give_up(void)
{
	int err = confine_keep(CONFINE_BIT(CAP_NET_ADMIN) | CONFINE_BIT(CAP_NET_BIND_SERVICE));

	// Alarms are called in EAL's thread for interrupts.
	if (!err)
		err = rte_eal_alarm_set(1, keep_nothing, NULL);
	if (!err)
		return 0;
	fprintf(stderr, "turnpike-dpdk: capabilities can't be given up: %s.\n", strerror(-err));
	return -1;
}

void capabilities_of_worker(void)
{
	confine_keep(CONFINE_BIT(CAP_NET_BIND_SERVICE));
}
