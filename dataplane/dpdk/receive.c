// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "receive.h"

#include <plain.h>
#include <rte_prefetch.h>

#include "icmp.h"

#define PREFETCH 8u // headers on their way from memory ahead of the parser

static void drop(struct worker *w, struct rte_mbuf *m, unsigned int reason)
{
	tally_add(&w->agent.tally, reason, 1);
	rte_pktmbuf_free(m);
}

void leave_to_kernel(struct worker *w, struct rte_mbuf *m, uint8_t port)
{
	if (w->shared->port[port].exception == RTE_MAX_ETHPORTS)
		drop(w, m, TP_C_kernel_in_full);
	else if (w->kernel[port].count == OUT_MAX)
		drop(w, m, TP_C_kernel_in_over);
	else
		out_push(&w->kernel[port], &w->agent.tally, m, OUT_TO_KERNEL, 0);
}

static ALWAYS_INLINE void add_client(struct worker *w, struct packet *p, const struct frame *f,
	const uint8_t *data, uint8_t server)
{
	struct relay_from_client *in = &w->client[w->clients];

	in->data = data + f->payload;
	in->length = f->payload_length;
	in->server = server;
	in->transport = TP_UDP;
	plain_copy_endpoint(&in->client, &f->source);
	w->client_packet[w->clients++] = p;
	w->packets++;
}

static void count_client(struct worker *w, uint32_t length)
{
	tally_add(&w->agent.tally, TP_C_client_packets, 1);
	tally_add(&w->agent.tally, TP_C_client_bytes, length);
}

void receive_uncount_client(struct worker *w, uint32_t length)
{
	tally_add(&w->agent.tally, TP_C_client_packets, -1ull);
	tally_add(&w->agent.tally, TP_C_client_bytes, -(uint64_t)length);
}

void receive_count_hairpin(struct worker *w, uint32_t length)
{
	struct tally *t = &w->agent.tally;

	tally_add(t, TP_C_relayed_to_peer, 1);
	tally_add(t, TP_C_relayed_to_peer_bytes, length);
	tally_add(t, TP_C_hairpinned, 1);
}

static ALWAYS_INLINE void take_client(struct worker *w, struct packet *p, const struct frame *f,
	const uint8_t *data, uint8_t server)
{
	if (likely(f->source.port)) {
		add_client(w, p, f, data, server);
	} else {
		count_client(w, f->payload_length);
		drop(w, p->mbuf, TP_C_client_source_invalid);
	}
}

static ALWAYS_INLINE void add_peer(struct worker *w, struct packet *p, const struct frame *f,
	const uint8_t *data, uint8_t relay)
{
	struct relay_from_peer *in = &w->peer[w->peers];

	in->data = data + f->payload;
	in->length = f->payload_length;
	in->relay = relay;
	in->port = f->destination.port;
	plain_copy_endpoint(&in->peer, &f->source);
	w->peer_packet[w->peers++] = p;
	w->packets++;
}

// Under TP_PLACEMENT_OWNER: whether the worker that owns the relay port gets it, also where this one
// holds the allocation for its client. Once, not back again.
static bool is_anothers(const struct worker *w, const struct packet *p, uint8_t relay,
	uint16_t port, uint32_t *owner)
{
	*owner = handoff_owner(w, relay, port);
	return unlikely(*owner != w->index) && !p->passed;
}

static ALWAYS_INLINE void take_peer(struct worker *w, struct packet *p, const struct frame *f,
	const uint8_t *data, uint8_t relay)
{
	uint32_t owner;
	bool anothers = w->shared->owners && is_anothers(w, p, relay, f->destination.port, &owner);

	if (anothers && handoff_frame(w, p, owner))
		return;
	if (likely(!anothers)) {
		add_peer(w, p, f, data, relay);
		return;
	}
	tally_add(&w->agent.tally, TP_C_peer_packets, 1);
	tally_add(&w->agent.tally, TP_C_peer_bytes, f->payload_length);
	drop(w, p->mbuf, TP_C_peer_handoff_full);
}

// A whole datagram to what `kind` and `index` say. One that came in pieces can't be given to the kernel as a whole.
static ALWAYS_INLINE void take_to(struct worker *w, struct packet *p, const struct frame *f,
	const uint8_t *data, enum address_kind kind, uint8_t index)
{
	switch (kind) {
	case ADDRESS_SERVER:
		take_client(w, p, f, data, index);
		break;
	case ADDRESS_RELAY:
		take_peer(w, p, f, data, index);
		break;
	default:
		if (p->in_pieces)
			defrag_undo(w, p->mbuf, p->port);
		else
			leave_to_kernel(w, p->mbuf, p->port);
	}
}

static void take_datagram(struct worker *w, struct packet *p, const uint8_t *data)
{
	uint8_t index = 0;
	enum address_kind kind = addresses_find(
		&w->shared->addresses, &p->frame.destination, &index);

	take_to(w, p, &p->frame, data, kind, index);
}

static void take_fragment(struct worker *w, struct packet *p)
{
	struct rte_mbuf *whole;
	const uint8_t *data;

	if (!addresses_has(&w->shared->addresses, &p->frame.destination.ip) ||
		!defrag_wants(p->mbuf, &p->frame)) {
		leave_to_kernel(w, p->mbuf, p->port);
		return;
	}
	whole = defrag_add(w, p->mbuf, &p->frame);
	if (!whole)
		return;
	p->mbuf = whole;
	data = rte_pktmbuf_mtod(whole, const uint8_t *);
	// The IPv4 header was put together by us: its checksum says nothing.
	frame_parse(&p->frame, data, whole->data_len, whole->pkt_len, true);
	// Whoever sends fragments gets fragments (RFC 8656 sections 13.2 and 14).
	p->frame.dont_fragment = false;
	p->in_pieces = true;
	if (p->frame.kind != FRAME_UDP)
		drop(w, whole, TP_C_frame_malformed);
	else
		take_datagram(w, p, data);
}

// For us by its link-layer destination. What isn't, the kernel may look at.
static bool is_for_us(const struct port *port, const uint8_t *data)
{
	return memcmp(data, port->mac, sizeof(port->mac)) == 0;
}

static ALWAYS_INLINE struct packet *begin(
	struct worker *w, struct rte_mbuf *m, uint8_t port, bool plain)
{
	struct packet *p = &w->packet[w->packets];

	p->mbuf = m;
	p->port = port;
	p->skip = 0;
	p->passed = 0;
	p->in_pieces = false;
	p->dont_fragment = false;
	p->plain = plain;
	return p;
}

static bool is_checked(const struct rte_mbuf *m)
{
	return (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
}

static NEVER_INLINE void take(struct worker *w, struct packet *p)
{
	struct rte_mbuf *m = p->mbuf;
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

	frame_parse(&p->frame, data, m->data_len, m->pkt_len, is_checked(m));
	if (p->in_pieces)
		p->frame.dont_fragment = false;
	if (likely(p->frame.kind == FRAME_UDP))
		take_datagram(w, p, data);
	else if (p->frame.kind == FRAME_FRAGMENT)
		take_fragment(w, p);
	else if (p->frame.kind == FRAME_ICMP_ERROR)
		icmp_receive(w, p, data);
	else if (p->frame.kind == FRAME_OTHER)
		leave_to_kernel(w, m, p->port);
	else
		drop(w, m, TP_C_frame_malformed);
}

static NEVER_INLINE void take_any(struct worker *w, struct rte_mbuf *m, uint8_t port)
{
	if (m->nb_segs > 1) {
		m = defrag_flatten(w, m);
		if (!m)
			return;
	}
	if (m->data_len < RTE_ETHER_HDR_LEN ||
		!is_for_us(&w->shared->port[port], rte_pktmbuf_mtod(m, const uint8_t *)))
		leave_to_kernel(w, m, port);
	else
		take(w, begin(w, m, port, false));
}

static ALWAYS_INLINE void take_plain(struct worker *w, struct rte_mbuf *m, const uint8_t *data,
	uint8_t port, struct address_last *last)
{
	enum address_kind kind;
	uint8_t index = 0;
	struct frame f;

	plain_parse(&f, data);
	kind = addresses_next4(
		&w->shared->addresses, last, f.destination.ip.w[3], f.destination.port, &index);
	take_to(w, begin(w, m, port, true), &f, data, kind, index);
}

void packet_parse(struct packet *p)
{
	if (p->plain)
		plain_parse(&p->frame, rte_pktmbuf_mtod(p->mbuf, const uint8_t *));
	p->plain = false;
}

void receive(struct worker *w, struct rte_mbuf *const *m, unsigned int n, uint8_t port)
{
	const struct port *own = &w->shared->port[port];
	struct address_last last = {.key = ADDRESS_LAST_NONE};

	for (unsigned int i = 0; i < n && i < PREFETCH; i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], void *));
	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *data = rte_pktmbuf_mtod(m[i], const uint8_t *);

		if (i + PREFETCH < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + PREFETCH], void *));
		if (likely(m[i]->nb_segs == 1 &&
			    plain_is(data, m[i]->data_len, m[i]->data_len, is_checked(m[i])) &&
			    is_for_us(own, data)))
			take_plain(w, m[i], data, port, &last);
		else
			take_any(w, m[i], port);
	}
}

void receive_handed(struct worker *w, struct rte_mbuf *m, const struct handoff *what)
{
	struct packet *p = begin(w, m, what->port, false);
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

	p->passed = what->passed;
	p->in_pieces = what->in_pieces;
	if (what->kind == HANDOFF_FRAME) {
		take(w, p);
		return;
	}
	frame_parse(&p->frame, data, m->data_len, m->pkt_len, true);
	p->frame.ttl--;
	if (p->in_pieces)
		p->frame.dont_fragment = false;
	p->skip = what->skip;
	p->dont_fragment = what->dont_fragment;
	count_client(w, p->frame.payload_length);
	if (!held_has(&w->held, w->agent.capabilities, what->relay, what->relay_port)) {
		drop(w, m, TP_C_hairpin_no_allocation);
		return;
	}
	receive_count_hairpin(w, what->length);
	w->peer_packet[w->peers] = p;
	w->packets++;
	w->peer[w->peers++] = (struct relay_from_peer){.data = data + p->frame.payload + what->skip,
		.length = what->length,
		.relay = what->relay,
		.port = what->relay_port,
		.peer = what->peer};
}
