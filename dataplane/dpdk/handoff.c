// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "handoff.h"

#include <stdio.h>

#include "receive.h"

struct rte_ring *handoff_ring(uint32_t index)
{
	char name[32];

	snprintf(name, sizeof(name), "handoff%u", index);
	return rte_ring_create(
		name, HANDOFF_RING, (int)rte_socket_id(), RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
}

uint32_t handoff_owner(const struct worker *w, uint8_t relay, uint16_t port)
{
	const struct tp_capabilities *caps = w->agent.capabilities;
	uint8_t owner;

	if (!w->shared->owners)
		return w->index;
	owner = __atomic_load_n(
		&w->shared->owners[tp_owner_index(caps, relay, port)], __ATOMIC_RELAXED);
	return owner < w->shared->settings.common.workers ? owner : w->index;
}

static bool hand(struct worker *w, struct packet *p, uint32_t to, const struct handoff *what)
{
	struct rte_mbuf *m = p->mbuf;

	memcpy(rte_mbuf_to_priv(m), what, sizeof(*what));
	// It has been parsed once; put together, its IPv4 header has no checksum.
	m->ol_flags = (m->ol_flags & ~RTE_MBUF_F_RX_IP_CKSUM_MASK) | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	if (rte_ring_enqueue(w->shared->handoff[to], m))
		return false;
	tally_add(&w->agent.tally, TP_C_handed_off, 1);
	return true;
}

bool handoff_frame(struct worker *w, struct packet *p, uint32_t to)
{
	const struct handoff what = {.kind = HANDOFF_FRAME,
		.port = p->port,
		.passed = (uint8_t)(p->passed + 1),
		.in_pieces = p->in_pieces};

	return hand(w, p, to, &what);
}

bool handoff_hairpin(struct worker *w, struct packet *p, uint32_t to, const struct handoff *what)
{
	return hand(w, p, to, what);
}

bool handoff_next(const struct worker *w, const struct packet *p, uint32_t *next)
{
	uint32_t workers = w->shared->settings.common.workers;

	*next = (w->index + 1) % workers;
	return w->shared->owners && p->passed + 1u < workers;
}

unsigned int handoff_take(struct worker *w)
{
	struct rte_mbuf *m[HANDOFF_ROUND];
	unsigned int n;

	if (!w->shared->owners)
		return 0;
	n = rte_ring_dequeue_burst(w->shared->handoff[w->index], (void **)m, HANDOFF_ROUND, NULL);
	for (unsigned int i = 0; i < n; i++) {
		struct handoff what;

		memcpy(&what, rte_mbuf_to_priv(m[i]), sizeof(what));
		receive_handed(w, m[i], &what);
	}
	if (n)
		decide(w);
	return n;
}
