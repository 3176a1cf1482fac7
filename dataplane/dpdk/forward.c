// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "forward.h"

#include <errno.h>

#include <turnpike/ip.h>

#include "fragment.h"
#include "icmp.h"
#include "message.h"

// What a frame of each kind counts as that does not leave.
static const struct {
	uint8_t no_next_hop;
	uint8_t unreachable;
	uint8_t full;
	uint8_t too_big;
	uint8_t ttl_expired;
	uint8_t other;
} drops[OUT_KINDS] = {
	[OUT_PEER] = {TP_C_client_no_next_hop, TP_C_client_tx_unreachable, TP_C_client_tx_full,
		TP_C_client_tx_too_big, TP_C_client_ttl_expired, TP_C_client_tx_other},
	[OUT_CLIENT] = {TP_C_peer_no_next_hop, TP_C_peer_tx_unreachable, TP_C_peer_tx_full,
		TP_C_peer_tx_too_big, TP_C_peer_ttl_expired, TP_C_peer_tx_other},
	[OUT_REPLY] = {.full = TP_C_reply_tx_error, .too_big = TP_C_reply_tx_error},
};

static void drop(struct worker *w, struct rte_mbuf *m, unsigned int reason)
{
	tally_add(&w->agent.tally, reason, 1);
	rte_pktmbuf_free(m);
}

// A port may give back all that it has sent to one pool (port.c): what was put together and has shrunk
// since leaves in a buffer of that pool. Larger ones only go to ports that don't do that.
static struct rte_mbuf *into_ports_buffer(struct worker *w, struct rte_mbuf *m)
{
	struct rte_mbuf *copy;

	if (m->pkt_len > RTE_MBUF_DEFAULT_DATAROOM)
		return m;
	copy = rte_pktmbuf_copy(m, w->shared->pools.frames, 0, m->pkt_len);
	rte_pktmbuf_free(m);
	return copy;
}

static void send_whole(struct worker *w, struct rte_mbuf *m, const struct departure *d)
{
	if (unlikely(m->pool != w->shared->pools.frames)) {
		m = into_ports_buffer(w, m);
		if (!m) {
			tally_add(&w->agent.tally, drops[d->kind].full, 1);
			return;
		}
	}
	out_push(&w->out[d->port], &w->agent.tally, m, (enum out_kind)d->kind, d->bytes);
}

static void send_in_fragments(struct worker *w, struct rte_mbuf *m, const struct departure *d)
{
	struct rte_mbuf *fragments[FRAGMENTS_MAX];
	struct out *out = &w->out[d->port];
	int n = fragment(m, d->mtu, w->fragment_id++, w->shared->pools.frames, fragments);

	rte_pktmbuf_free(m);
	if (n <= 0) {
		tally_add(&w->agent.tally,
			n == -ENOMEM ? drops[d->kind].full : drops[d->kind].too_big, 1);
		return;
	}
	out_push(out, &w->agent.tally, fragments[0], (enum out_kind)d->kind, d->bytes);
	tally_add(&w->agent.tally, TP_C_fragments_sent, 1);
	for (int i = 1; i < n; i++)
		out_push(out, &w->agent.tally, fragments[i], OUT_FRAGMENT, 0);
}

void forward_frame(struct worker *w, struct rte_mbuf *m, const struct departure *d)
{
	if (likely(m->pkt_len <= (uint32_t)RTE_ETHER_HDR_LEN + d->mtu))
		send_whole(w, m, d);
	else
		send_in_fragments(w, m, d);
}

// The next hop of a destination, or what to do without: returns false when there is none.
static bool find_hop(struct worker *w, uint32_t destination, struct nexthop *hop,
	enum out_kind kind, struct departure *d)
{
	enum nexthop_state state = nexthops_read(w->shared->nexthops, destination, hop);

	if (likely(state == NEXTHOP_READY && hop->port < w->shared->ports)) {
		*d = (struct departure){.mtu = hop->mtu, .port = hop->port, .kind = (uint8_t)kind};
		return true;
	}
	if (state != NEXTHOP_RESOLVING) {
		tally_add(&w->agent.tally, drops[kind].unreachable, 1);
		return false;
	}
	// The link-layer header is filled in later. Where the frame will leave is not known for
	// sure.
	if (!hop->mtu || hop->port >= w->shared->ports) {
		hop->port = 0;
		hop->mtu = w->shared->port[0].mtu;
	}
	hop->l2_length = RTE_ETHER_HDR_LEN;
	*d = (struct departure){.destination = destination,
		.mtu = hop->mtu,
		.port = hop->port,
		.kind = (uint8_t)kind};
	return true;
}

static void send_or_wait(struct worker *w, struct rte_mbuf *m, const struct departure *d)
{
	if (likely(!d->destination))
		forward_frame(w, m, d);
	else if (!waiting_add(&w->waiting, m, d, w->agent.now))
		drop(w, m, drops[d->kind].no_next_hop);
}

// What can't be rewritten costs itself, and its sender may be told.
static void refuse(struct worker *w, struct packet *p, int err, uint16_t mtu, enum out_kind kind)
{
	unsigned int reason = drops[kind].other;

	if (err == -ETIME) {
		reason = drops[kind].ttl_expired;
		icmp_tell(w, p, FRAME_TIME_EXCEEDED, 0);
	} else if (err == -EMSGSIZE) {
		reason = drops[kind].too_big;
		icmp_tell(w, p, FRAME_TOO_BIG, mtu);
	}
	drop(w, p->mbuf, reason);
}

void forward(struct worker *w, struct packet *p, struct frame_send *s, uint32_t destination,
	enum out_kind kind)
{
	struct rte_mbuf *m = p->mbuf;
	struct frame_result r;
	struct departure d;
	struct nexthop hop;
	int err;

	if (unlikely(!find_hop(w, destination, &hop, kind, &d))) {
		rte_pktmbuf_free(m);
		return;
	}
	memcpy(s->l2, hop.l2, sizeof(s->l2));
	s->l2_length = hop.l2_length;
	s->mtu = hop.mtu;
	s->ip_id = w->ip_id++;
	if (unlikely(rte_pktmbuf_headroom(m) < FRAME_HEADROOM ||
		     rte_pktmbuf_tailroom(m) < s->padding)) {
		drop(w, m, drops[kind].other);
		return;
	}
	err = frame_rewrite(rte_pktmbuf_mtod(m, uint8_t *), &p->frame, s, &r, NULL, NULL);
	if (unlikely(err)) {
		refuse(w, p, err, r.mtu, kind);
		return;
	}
	m->data_off = (uint16_t)(m->data_off + r.start);
	m->data_len = (uint16_t)r.total;
	m->pkt_len = r.total;
	d.bytes = s->length;
	if (unlikely(d.destination))
		d.whole = tp_dont_fragment(p->frame.family == TP_IPV4,
			tp_ip_is4(&s->destination.ip), p->frame.dont_fragment, s->dont_fragment,
			r.total - RTE_ETHER_HDR_LEN);
	send_or_wait(w, m, &d);
}

void forward_message(struct worker *w, const uint8_t *message, uint32_t length,
	struct frame_send *s, uint32_t destination, enum out_kind kind)
{
	struct rte_mbuf *m;
	struct departure d;
	struct nexthop hop;

	if (!find_hop(w, destination, &hop, kind, &d))
		return;
	memcpy(s->l2, hop.l2, sizeof(s->l2));
	s->l2_length = hop.l2_length;
	s->mtu = hop.mtu;
	s->ip_id = w->ip_id++;
	m = frame_of_message(w, message, length, s);
	if (!m)
		tally_add(&w->agent.tally, drops[kind].other, 1);
	else
		send_or_wait(w, m, &d);
}

// Returns whether the frame has gone, one way or another.
static bool retry(struct worker *w, struct waiting_frame *f)
{
	struct departure *d = &f->departure;
	struct nexthop hop;
	enum nexthop_state state = nexthops_read(w->shared->nexthops, d->destination, &hop);

	if (state == NEXTHOP_READY && hop.port < w->shared->ports) {
		uint8_t *l2 = rte_pktmbuf_mtod(f->mbuf, uint8_t *);

		memcpy(l2, hop.l2, 2 * RTE_ETHER_ADDR_LEN);
		d->port = hop.port;
		d->mtu = RTE_MIN(d->mtu, hop.mtu);
		if (d->whole && f->mbuf->pkt_len > (uint32_t)RTE_ETHER_HDR_LEN + d->mtu)
			drop(w, f->mbuf, drops[d->kind].too_big);
		else
			forward_frame(w, f->mbuf, d);
		return true;
	}
	if (state == NEXTHOP_RESOLVING && f->until > w->agent.now)
		return false;
	drop(w, f->mbuf,
		state == NEXTHOP_RESOLVING ? drops[d->kind].no_next_hop
					   : drops[d->kind].unreachable);
	return true;
}

void forward_waiting(struct worker *w)
{
	struct waiting *q = &w->waiting;
	uint64_t generation;
	uint32_t kept = 0;

	if (!q->count)
		return;
	generation = nexthops_generation(w->shared->nexthops);
	if (generation == q->generation && q->frame[0].until > w->agent.now)
		return;
	q->generation = generation;
	for (uint32_t i = 0; i < q->count; i++)
		if (!retry(w, &q->frame[i]))
			q->frame[kept++] = q->frame[i];
	q->count = kept;
}
