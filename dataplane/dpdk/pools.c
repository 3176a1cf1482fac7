// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "pools.h"

#include <stdio.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <relay.h>

#include "defrag.h"
#include "handoff.h"
#include "waiting.h"

#define BIG_FRAMES 63u
#define CACHE 256u
// Before each buffer: struct handoff, in whole lines, so that a frame's headers begin one. What fetches its first
// byte then fetches them all, and ports write whole lines.
#define PRIVATE ((uint16_t)RTE_ALIGN_CEIL(sizeof(struct handoff), RTE_CACHE_LINE_SIZE))

// Everything that can hold a frame at the same time: rings of each port and of its exception
// interface and what is on its way there, caches, fragments, packets that wait for their next hop, the
// handoff ring, a burst. Whatever strangers send, there is a buffer for what arrives next.
static uint32_t frames(const struct settings *s)
{
	uint32_t each = 2 * s->ports * (s->rx_ring + s->tx_ring + OUT_MAX) + 2 * CACHE +
			DEFRAG_FRAMES + WAITING_MAX + HANDOFF_RING + RELAY_BURST;

	return s->mbufs ? s->mbufs : s->common.workers * each;
}

// With what the pool puts around a buffer, and without huge pages no buffer lies across two pages.
static uint64_t bytes_of(uint32_t data_room)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint32_t size = (uint32_t)sizeof(struct rte_mbuf) + PRIVATE + data_room;

	size = rte_mempool_calc_obj_size(size, 0, NULL);
	return size > page ? RTE_ALIGN_CEIL(size, page) : page / (page / size);
}

uint32_t pools_megabytes(const struct settings *s)
{
	uint64_t bytes = frames(s) * bytes_of(RTE_MBUF_DEFAULT_BUF_SIZE) +
			 BIG_FRAMES * bytes_of(UINT16_MAX) +
			 (uint64_t)s->common.workers * (8u << 20);

	return (uint32_t)(bytes >> 20) + 32;
}

static int complain(const char *what, uint32_t n)
{
	fprintf(stderr,
		"turnpike-dpdk: no memory for %u %s: %s. Give it more huge pages, or fewer "
		"--mbufs.\n",
		n, what, rte_strerror(rte_errno));
	return -1;
}

int pools_make(struct pools *p, const struct settings *s)
{
	uint32_t n = frames(s);

	p->frames = rte_pktmbuf_pool_create("frames", n, n >= 4 * CACHE ? CACHE : 0, PRIVATE,
		RTE_MBUF_DEFAULT_BUF_SIZE, (int)rte_socket_id());
	if (!p->frames)
		return complain("frames", n);
	p->big = rte_pktmbuf_pool_create(
		"big", BIG_FRAMES, 0, PRIVATE, UINT16_MAX, (int)rte_socket_id());
	return p->big ? 0 : complain("reassembled datagrams", BIG_FRAMES);
}
