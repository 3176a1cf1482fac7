// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "plane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_launch.h>

#include "capabilities.h"
#include "eal.h"
#include "handoff.h"
#include "steer.h"

static int complain(const char *what, int err)
{
	fprintf(stderr, "turnpike-dpdk: %s: %s.\n", what, strerror(-err));
	return -1;
}

static int open_ports(struct plane *plane)
{
	struct shared *s = &plane->shared;

	for (uint32_t i = 0; i < s->settings.ports; i++) {
		plane->opened = i + 1;
		if (port_open(&s->port[i], &s->settings, i) < 0 ||
			port_start(&s->port[i], &s->settings, s->pools.frames) < 0)
			return -1;
		s->ports = i + 1;
	}
	return 0;
}

// Every address of a client or peer may be another one.
static uint32_t destinations(const struct tp_capabilities *c)
{
	// One that moves is in two places.
	uint64_t n = 2ull * c->allocations + c->peers;

	return n < RELAY_DESTINATION_MAX ? (uint32_t)n : RELAY_DESTINATION_MAX;
}

static int make_nexthops(struct shared *s)
{
	struct nexthop_port ports[PORTS_MAX];
	int err;

	for (uint32_t i = 0; i < s->ports; i++) {
		ports[i] = (struct nexthop_port){
			.ifindex = s->port[i].ifindex, .mtu = s->port[i].mtu};
		memcpy(ports[i].mac, s->port[i].mac, sizeof(ports[i].mac));
	}
	err = nexthops_create(
		&s->nexthops, ports, s->ports, destinations(&s->settings.common.capabilities));
	return err ? complain("next hops can't be had from the kernel (netlink)", err) : 0;
}

static int make_worker(struct plane *plane, uint32_t index)
{
	struct worker *w = aligned_alloc(64, (sizeof(*w) + 63) & ~(size_t)63);
	int err;

	if (!w)
		return complain("a worker's memory", -ENOMEM);
	plane->worker[plane->workers++] = w;
	plane->agent[index] = &w->agent;
	err = worker_init(w, index, &plane->shared, &plane->segment);
	return err ? complain("a worker's memory can't be had (--allocations and --peers say how "
			      "much)",
			     err)
		   : 0;
}

static int make_owners(struct shared *s, struct tp_capabilities *caps, uint8_t **owners)
{
	uint32_t workers = s->settings.common.workers;
	enum steering how;

	*owners = NULL;
	if (steer_ports(s->port, s->ports, &s->settings, &how) < 0)
		return -ENOTSUP;
	if (how == STEERING_AUTO)
		return 0;
	caps->placement = TP_PLACEMENT_OWNER;
	*owners = calloc(tp_owners_size(caps), 1);
	if (!*owners)
		return -ENOMEM;
	for (uint32_t r = 0; r < caps->relays; r++)
		for (uint32_t p = caps->port_min; p <= caps->port_max; p++)
			(*owners)[tp_owner_index(caps, r, (uint16_t)p)] = (uint8_t)steer_owner(
				&s->settings, how, &caps->relay[r].local, (uint16_t)p);
	for (uint32_t i = 0; i < workers; i++) {
		s->handoff[i] = handoff_ring(i);
		if (!s->handoff[i])
			return -ENOMEM;
	}
	return 0;
}

static int make_segment(struct plane *plane)
{
	struct shared *s = &plane->shared;
	struct tp_capabilities *caps = &s->settings.common.capabilities;
	uint8_t *owners;
	int err = make_owners(s, caps, &owners);

	if (!err)
		err = segment_make(&plane->segment, s->settings.common.workers, caps, owners);
	if (!err && owners)
		s->owners = segment_owners(&plane->segment);
	free(owners);
	if (err == -ENOTSUP)
		return -1; // a sentence has been said
	return err ? complain("the shared segment can't be made", err) : 0;
}

int plane_make(struct plane *plane, const struct settings *settings)
{
	struct shared *s = &plane->shared;

	memset(plane, 0, sizeof(*plane));
	plane->segment.fd = plane->segment.ready = -1;
	memset(plane->segment.wake, -1, sizeof(plane->segment.wake));
	s->settings = *settings;
	addresses_init(&s->addresses, &settings->common.capabilities);
	if (pools_make(&s->pools, settings) < 0 || open_ports(plane) < 0 ||
		make_segment(plane) < 0 || capabilities_give_up() < 0 || make_nexthops(s) < 0)
		return -1;
	for (uint32_t i = 0; i < settings->common.workers; i++)
		if (make_worker(plane, i) < 0)
			return -1;
	return 0;
}

int plane_run(struct plane *plane)
{
	for (; plane->running < plane->workers; plane->running++) {
		int err = rte_eal_remote_launch(
			worker_run, plane->worker[plane->running], eal_lcore(plane->running));

		if (err)
			return complain("a worker's lcore is busy", err);
		while (sem_wait(&plane->worker[plane->running]->started) < 0)
			;
	}
	return 0;
}

void plane_free(struct plane *plane)
{
	for (uint32_t i = 0; i < plane->running; i++)
		agent_stop(&plane->worker[i]->agent);
	for (uint32_t i = 0; i < plane->running; i++)
		rte_eal_wait_lcore(eal_lcore(i));
	for (uint32_t i = 0; i < plane->workers; i++) {
		worker_free(plane->worker[i]);
		free(plane->worker[i]);
	}
	if (plane->shared.nexthops)
		nexthops_destroy(plane->shared.nexthops);
	for (uint32_t i = 0; i < plane->opened; i++)
		port_close(&plane->shared.port[i]);
	segment_free(&plane->segment);
}
