// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "port_world.h"

#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eth_ring.h>

#include <eal.h>
#include <monotonic.h>

#define LIFETIME_MS 86400000u

_Noreturn void fail(const char *what)
{
	fprintf(stderr, "port_bench: %s\n", what);
	exit(1);
}

static unsigned long free_huge_pages(void)
{
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
	unsigned long n = 0;

	if (file && fscanf(file, "%lu", &n) != 1)
		n = 0;
	if (file)
		fclose(file);
	return n;
}

static struct rte_ring *ring(const char *name, uint32_t frames)
{
	struct rte_ring *r = rte_ring_create(
		name, frames, 0, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);

	if (!r)
		fail("no memory for a ring");
	return r;
}

void world_make(struct world *w, uint32_t frames)
{
	char mbufs[16];
	char *argv[] = {"port_bench", "--link", "/nowhere", "--listen", "192.0.0.1:3478", "--relay",
		"192.0.0.1", "--allocations", "16", "--workers", "1", "--port", "net_ring_wire",
		"--exception", "none,lo", "--mbufs", mbufs, "--no-huge", NULL};
	int argc = (int)(sizeof(argv) / sizeof(argv[0])) - 1;
	struct settings settings;

	snprintf(mbufs, sizeof(mbufs), "%u", 2 * frames + 2048);
	// With huge pages, if there are enough for the buffers: as in production.
	if (free_huge_pages() > 32 + frames / 256)
		argc--;
	optind = 1;
	if (settings_parse(&settings, argc, argv) != OPTIONS_RUN || eal_start(&settings) < 0)
		fail("DPDK does not start");
	w->in = ring("in", frames);
	w->out = ring("out", frames);
	if (rte_eth_from_rings("wire", &w->in, 1, &w->out, 1, 0) < 0 ||
		plane_make(&w->plane, &settings) < 0)
		fail("no port out of two rings");
}

static void wait_for_next_hops(const struct nexthops *n, uint32_t destinations)
{
	struct nexthop hop;

	for (uint32_t i = 1; i <= destinations; i++)
		while (nexthops_read(n, i, &hop) != NEXTHOP_READY)
			sched_yield();
}

void scene_make(struct scene *s, const struct world *w, enum tp_family family, uint32_t allocations)
{
	const struct port *port = &w->plane.shared.port[0];
	struct nexthop_port hop_port = {.ifindex = 1, .mtu = port->mtu};
	struct tp_capabilities caps;

	s->family = family;
	s->allocations = allocations;
	s->shared = w->plane.shared;
	population_capabilities(&caps, allocations, family);
	addresses_init(&s->shared.addresses, &caps);
	memcpy(hop_port.mac, port->mac, sizeof(hop_port.mac));
	s->worker = aligned_alloc(64, (sizeof(*s->worker) + 63) & ~(size_t)63);
	if (!s->worker || segment_make(&s->segment, 1, &caps, NULL) < 0 ||
		nexthops_create(&s->shared.nexthops, &hop_port, 1, 2 * allocations) < 0 ||
		worker_init(s->worker, 0, &s->shared, &s->segment) < 0)
		fail("no memory for a worker");
	worker_housekeeping(s->worker, monotonic_ms());
	for (uint32_t i = 0; i < allocations; i++)
		put_allocation(i, family, s->worker->agent.now + LIFETIME_MS,
			s->worker->agent.ops.apply, s->worker);
	wait_for_next_hops(s->shared.nexthops, 2 * allocations);
}

void scene_free(struct scene *s)
{
	worker_free(s->worker);
	free(s->worker);
	nexthops_destroy(s->shared.nexthops);
	segment_free(&s->segment);
}
