// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "capabilities.h"

#include <linux/capability.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include <confine.h>
#include <rte_alarm.h>

static void keep_nothing(void *done)
{
	confine_keep(0);
	sem_post(done);
}

int capabilities_give_up(void)
{
	int err = confine_keep(CONFINE_BIT(CAP_NET_ADMIN) | CONFINE_BIT(CAP_NET_BIND_SERVICE));
	sem_t done;

	// Alarms are called in EAL's thread for interrupts.
	sem_init(&done, 0, 0);
	if (!err)
		err = rte_eal_alarm_set(1, keep_nothing, &done);
	while (!err && sem_wait(&done) < 0)
		;
	sem_destroy(&done);
	if (!err)
		return 0;
	fprintf(stderr, "turnpike-dpdk: capabilities can't be given up: %s.\n", strerror(-err));
	return -1;
}

void capabilities_of_worker(void)
{
	confine_keep(CONFINE_BIT(CAP_NET_BIND_SERVICE));
}
