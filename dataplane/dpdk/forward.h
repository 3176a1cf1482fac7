// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The last step of a datagram that is relayed: its next hop, its new headers, its way out.
#pragma once

#include <plain.h>

#include "worker.h"

// Rewrites the packet as `s` says (all but link layer, MTU and IP ID) and sends it to the
// destination, lets it wait for the next hop, or drops it under a name. `kind`: OUT_PEER or
// OUT_CLIENT. Takes it over.
void forward(struct worker *w, struct packet *p, struct frame_send *s, uint32_t destination,
	enum out_kind kind);

// The same for a plain packet that goes to an adjacency, if it leaves plainly too; `s` lacks link layer, MTU and IP
// ID. False: nothing has happened, and forward() is to do it.
static ALWAYS_INLINE bool forward_plain(struct worker *w, struct packet *p,
	const struct plain_send *s, const struct adjacency *a, enum out_kind kind)
{
	struct rte_mbuf *m = p->mbuf;
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
	struct plain_send send = *s;
	struct frame f;

	if (unlikely(s->front_length && rte_pktmbuf_headroom(m) < FRAME_HEADROOM))
		return false;
	send.l2 = a->l2;
	send.mtu = a->mtu;
	send.ip_id = &w->ip_id;
	plain_parse(&f, data);
	if (unlikely(!plain_rewrite(data, &f, &send)))
		return false;
	w->ip_id++;
	m->data_off = (uint16_t)(m->data_off + s->offset - s->front_length);
	m->pkt_len = PLAIN_HEADERS + s->front_length + s->length;
	m->data_len = (uint16_t)m->pkt_len;
	out_push(a->out, &w->agent.tally, m, kind, s->length);
	return true;
}

// Sends a finished frame of ours, in fragments where the MTU asks for it. Takes it over.
void forward_frame(struct worker *w, struct rte_mbuf *m, const struct departure *d);

// Builds a datagram of `length` bytes of payload for a destination (an ICMP attribute's
// indication).
void forward_message(struct worker *w, const uint8_t *message, uint32_t length,
	struct frame_send *s, uint32_t destination, enum out_kind kind);

// Sends what waits and has a next hop by now, and drops what has waited too long.
void forward_waiting(struct worker *w);
