// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// From a burst of payloads to decisions, and from decisions to frames.

#include "forward.h"
#include "handoff.h"
#include "icmp.h"
#include "receive.h"
#include "via.h"

static void drop(struct worker *w, struct packet *p, unsigned int reason)
{
	tally_add(&w->agent.tally, reason, 1);
	rte_pktmbuf_free(p->mbuf);
}

static NEVER_INLINE void to_peer_any(
	struct worker *w, struct packet *p, const struct relay_decision *d)
{
	struct frame_send s;

	packet_parse(p);
	s.source.ip = w->agent.capabilities->relay[d->relay].local;
	s.source.port = d->port;
	memset(s.source.zero, 0, sizeof(s.source.zero));
	s.destination = d->to;
	s.offset = d->offset;
	s.length = d->length;
	s.front = NULL;
	s.front_length = 0;
	s.padding = 0;
	s.dont_fragment = d->dont_fragment;
	s.flow_label = tp_ip_is4(&d->to.ip) ? 0 : frame_flow_label(&s.source, &s.destination);
	forward(w, p, &s, d->destination, OUT_PEER);
}

static NEVER_INLINE void to_client_any(
	struct worker *w, struct packet *p, const struct relay_decision *d)
{
	struct frame_send s;

	packet_parse(p);
	s.source = w->agent.capabilities->server[d->server];
	s.destination = d->to;
	s.offset = p->skip + d->offset;
	s.length = d->length;
	s.front = d->front;
	s.front_length = d->front_length;
	s.padding = d->padding;
	s.dont_fragment = p->dont_fragment;
	s.flow_label = tp_ip_is4(&d->to.ip) ? 0 : frame_flow_label(&s.source, &s.destination);
	forward(w, p, &s, d->destination, OUT_CLIENT);
}

// Where a plain packet goes; NULL: forward() is to do it.
static ALWAYS_INLINE const struct adjacency *next_adjacency(struct worker *w,
	const struct packet *p, const struct relay_decision *d, struct adjacency_last *last)
{
	return p->plain ? adjacency_next(&w->adjacencies, last, d->destination) : NULL;
}

static ALWAYS_INLINE bool to_peer_plain(struct worker *w, struct packet *p,
	const struct relay_decision *d, struct adjacency_last *last)
{
	const struct adjacency *a = next_adjacency(w, p, d, last);
	const struct plain_send s = {.source = &w->agent.capabilities->relay[d->relay].local,
		.source_port = &d->port,
		.destination = &d->to,
		.offset = d->offset,
		.length = d->length,
		.dont_fragment = d->dont_fragment};

	return likely(a) && forward_plain(w, p, &s, a, OUT_PEER);
}

static ALWAYS_INLINE bool to_client_plain(struct worker *w, struct packet *p,
	const struct relay_decision *d, struct adjacency_last *last)
{
	const struct adjacency *a = next_adjacency(w, p, d, last);
	const struct tp_endpoint *server = &w->agent.capabilities->server[d->server];
	const struct plain_send s = {.source = &server->ip,
		.source_port = &server->port,
		.destination = &d->to,
		.offset = d->offset,
		.length = d->length,
		.front = d->front,
		.front_length = d->front_length,
		.padding = d->padding};

	return likely(a) && forward_plain(w, p, &s, a, OUT_CLIENT);
}

static void punt(struct worker *w, struct packet *p, const struct relay_from_client *in, bool known)
{
	struct tp_via via;

	// From the wire: a client of this host would come by the kernel.
	if (unlikely(addresses_has(&w->shared->addresses, &in->client.ip))) {
		drop(w, p, TP_C_client_source_invalid);
		return;
	}
	packet_parse(p);
	via_set(&via, p->port, rte_pktmbuf_mtod(p->mbuf, const uint8_t *), p->frame.l2_length);
	agent_punt(&w->agent, in, known, &via);
	rte_pktmbuf_free(p->mbuf);
}

// The allocation is another worker's, or nobody's.
static void hairpin_elsewhere(struct worker *w, struct packet *p, const struct relay_decision *d,
	const struct tp_endpoint *peer, bool dont_fragment)
{
	const struct tp_capabilities *caps = w->agent.capabilities;
	const struct handoff what = {.peer = *peer,
		.skip = d->offset,
		.length = d->length,
		.relay_port = d->to.port,
		.relay = d->target,
		.kind = HANDOFF_HAIRPIN,
		.port = p->port,
		.in_pieces = p->in_pieces,
		.dont_fragment = dont_fragment};
	uint32_t owner = w->index;

	if (d->to.port >= caps->port_min && d->to.port <= caps->port_max)
		owner = handoff_owner(w, d->target, d->to.port);
	if (owner == w->index)
		drop(w, p, TP_C_hairpin_no_allocation);
	else if (handoff_hairpin(w, p, owner, &what))
		receive_uncount_client(w, p->frame.payload_length);
	else
		drop(w, p, TP_C_client_handoff_full);
}

// To a relayed address of ours: the payload becomes a peer's, and the burst's peers are decided
// about next. Each of the two relays that it passes takes one from the TTL.
static void hairpin(struct worker *w, struct packet *p, const struct relay_from_client *in,
	const struct relay_decision *d)
{
	const struct tp_capabilities *caps = w->agent.capabilities;
	const struct tp_endpoint peer = {.ip = caps->relay[d->relay].public_, .port = d->port};
	bool dont_fragment;

	packet_parse(p);
	// RFC 8656 section 14; with IPv6 on either side it is ignored (sections 13.1 to 13.3).
	dont_fragment = d->dont_fragment && tp_ip_is4(&d->to.ip) && p->frame.family == TP_IPV4;
	if (p->frame.ttl <= 1) {
		icmp_tell(w, p, FRAME_TIME_EXCEEDED, 0);
		drop(w, p, TP_C_client_ttl_expired);
		return;
	}
	if (!held_has(&w->held, caps, d->target, d->to.port)) {
		hairpin_elsewhere(w, p, d, &peer, dont_fragment);
		return;
	}
	p->frame.ttl--;
	p->skip = d->offset;
	p->dont_fragment = dont_fragment;
	receive_count_hairpin(w, d->length);
	w->peer_packet[w->peers] = p;
	w->peer[w->peers++] = (struct relay_from_peer){.data = in->data + d->offset,
		.length = d->length,
		.relay = d->target,
		.port = d->to.port,
		.peer = peer};
}

// A client's packet that leads nowhere. Where clients have workers of their own it may be
// another's: then it is counted there, as if it had come there.
static void refuse_client(
	struct worker *w, struct packet *p, uint32_t length, const struct relay_decision *d)
{
	bool unknown = d->drop == TP_C_channel_unbound || d->drop == TP_C_send_no_allocation;
	uint32_t next;

	if (!unknown || !handoff_next(w, p, &next)) {
		drop(w, p, d->drop);
	} else if (!w->passes) {
		drop(w, p, TP_C_client_handoff_over);
	} else if (!handoff_frame(w, p, next)) {
		drop(w, p, TP_C_client_handoff_full);
	} else {
		w->passes--;
		receive_uncount_client(w, length);
	}
}

// The next hops of a burst, on their way from memory together. What does not leave still says where an earlier
// one went: nearly all do, so nobody asks.
static void fetch(struct worker *w, unsigned int n)
{
#pragma GCC unroll 4
	for (unsigned int i = 0; i < n; i++)
		nexthops_view_prefetch_word(&w->adjacencies.hops, w->decision[i].destination);
#pragma GCC unroll 4
	for (unsigned int i = 0; i < n; i++)
		nexthops_view_prefetch(&w->adjacencies.hops, w->decision[i].destination);
}

static void count(struct worker *w, enum tp_counter packets, enum tp_counter bytes, unsigned int n,
	uint64_t length)
{
	tally_add(&w->agent.tally, packets, n);
	tally_add(&w->agent.tally, bytes, length);
}

static void decide_clients(struct worker *w)
{
	struct adjacency_last last = {.hop = UINT32_MAX};
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < w->clients; i++)
		bytes += w->client[i].length;
	count(w, TP_C_client_packets, TP_C_client_bytes, w->clients, bytes);
	relay_decide_clients(w->agent.relay, w->client, w->decision, w->clients, w->agent.now);
	fetch(w, w->clients);
	for (unsigned int i = 0; i < w->clients; i++) {
		const struct relay_decision *d = &w->decision[i];
		struct packet *p = w->client_packet[i];

		if (likely(d->verdict == RELAY_PEER && to_peer_plain(w, p, d, &last)))
			continue;
		if (d->verdict == RELAY_PEER)
			to_peer_any(w, p, d);
		else if (d->verdict == RELAY_HAIRPIN)
			hairpin(w, p, &w->client[i], d);
		else if (d->verdict == RELAY_PUNT)
			punt(w, p, &w->client[i], d->known);
		else
			refuse_client(w, p, w->client[i].length, d);
	}
}

static void decide_peers(struct worker *w)
{
	struct adjacency_last last = {.hop = UINT32_MAX};
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < w->peers; i++)
		bytes += w->peer[i].length;
	count(w, TP_C_peer_packets, TP_C_peer_bytes, w->peers, bytes);
	relay_decide_peers(w->agent.relay, w->peer, w->decision, w->peers, w->agent.now);
	fetch(w, w->peers);
	for (unsigned int i = 0; i < w->peers; i++) {
		const struct relay_decision *d = &w->decision[i];
		struct packet *p = w->peer_packet[i];

		if (likely(d->verdict == RELAY_CLIENT && to_client_plain(w, p, d, &last)))
			continue;
		if (d->verdict == RELAY_CLIENT)
			to_client_any(w, p, d);
		else
			drop(w, p, d->drop);
	}
}

void decide(struct worker *w)
{
	if (w->clients)
		decide_clients(w);
	if (w->peers)
		decide_peers(w);
	w->packets = w->clients = w->peers = 0;
}
