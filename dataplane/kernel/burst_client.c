// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// From clients: ChannelData and Send indications to peers, STUN messages to the control plane.

#include "worker.h"

// Receives a burst and leaves what can be decided about in w->from_client and w->header.
static unsigned int gather(struct worker *w, uint8_t server, unsigned int received)
{
	unsigned int n = 0;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < received; i++) {
		struct datagram d;

		tally_add(&w->agent.tally, TP_C_rx_overflow,
			receive_slot(&w->receive, i, &d, &w->listener[server].overflow));
		bytes += d.length;
		if (!d.source_valid || !d.from.port) {
			tally_add(&w->agent.tally, TP_C_client_source_invalid, 1);
			continue;
		}
		if (d.truncated) {
			tally_add(&w->agent.tally, TP_C_client_truncated, 1);
			continue;
		}
		w->header[n] = (struct packet_header){d.ttl, d.tos};
		w->from_client[n++] = (struct relay_from_client){.data = d.data,
			.length = d.length,
			.server = server,
			.transport = TP_UDP,
			.client = d.from};
	}
	tally_add(&w->agent.tally, TP_C_client_packets, received);
	tally_add(&w->agent.tally, TP_C_client_bytes, bytes);
	return n;
}

static void queue_to_peer(struct worker *w, unsigned int i, enum transmit_kind kind)
{
	const struct tp_capabilities *caps = w->agent.capabilities;
	const struct relay_decision *d = &w->decision[i];
	struct relay_socket *s = &w->sockets.at[tp_owner_index(caps, d->relay, d->port)];
	struct transmit_item *item = transmit_next(&w->transmit);

	*item = (struct transmit_item){.fd = s->fd,
		.socket = s,
		.usual = &s->usual,
		.counted = d->length,
		.destination = d->destination,
		.kind = (uint8_t)kind,
		.header = {(uint8_t)(w->header[i].ttl - 1), w->header[i].tos},
		.parts = 1,
		.part = {{(void *)(w->from_client[i].data + d->offset), d->length}},
		.to = d->to};
	if (kind == TRANSMIT_HAIRPIN)
		item->to.ip = caps->relay[d->target].local;
	// RFC 8656 section 14; with IPv6 on either side it is ignored (sections 13.1 to 13.3).
	item->dont_fragment = d->dont_fragment && tp_ip_is4(&item->to.ip) &&
			      tp_ip_is4(&w->from_client[i].client.ip);
}

// A datagram to a relayed address of ours. Returns whether w->from_peer[n] has become its second
// half, which this very worker decides about.
static bool hairpin(struct worker *w, unsigned int i, unsigned int n)
{
	const struct tp_capabilities *caps = w->agent.capabilities;
	const struct relay_decision *d = &w->decision[i];
	uint8_t owner = 0;

	if (owners_in_range(caps, d->target, d->to.port))
		owner = __atomic_load_n(
			&w->owners->worker[tp_owner_index(caps, d->target, d->to.port)],
			__ATOMIC_RELAXED);
	// Without an allocation the port may be a service of this host: never send there.
	if (!owner) {
		tally_add(&w->agent.tally, TP_C_hairpin_no_allocation, 1);
		return false;
	}
	if (owner != w->agent.index + 1) {
		queue_to_peer(w, i, TRANSMIT_HAIRPIN);
		return false;
	}
	tally_add(&w->agent.tally, TP_C_relayed_to_peer, 1);
	tally_add(&w->agent.tally, TP_C_relayed_to_peer_bytes, d->length);
	tally_add(&w->agent.tally, TP_C_hairpinned, 1);
	tally_add(&w->agent.tally, TP_C_peer_packets, 1);
	tally_add(&w->agent.tally, TP_C_peer_bytes, d->length);
	w->from_peer[n] = (struct relay_from_peer){.data = w->from_client[i].data + d->offset,
		.length = d->length,
		.relay = d->target,
		.port = d->to.port,
		.peer = {.ip = caps->relay[d->relay].public_, .port = d->port}};
	return true;
}

unsigned int worker_clients(struct worker *w, uint8_t server)
{
	int received = receive_burst(&w->receive, 0, w->listener[server].fd);
	unsigned int n, hairpins = 0;

	if (received <= 0) {
		if (received != -EAGAIN)
			tally_add(&w->agent.tally, TP_C_rx_error, 1);
		return 0;
	}
	n = gather(w, server, (unsigned int)received);
	relay_decide_clients(w->agent.relay, w->from_client, w->decision, n, w->agent.now);
	for (unsigned int i = 0; i < n; i++) {
		const struct relay_decision *d = &w->decision[i];

		if (d->verdict == RELAY_PUNT) {
			agent_punt(&w->agent, &w->from_client[i], d->known, NULL);
		} else if (d->verdict == RELAY_DROP) {
			tally_add(&w->agent.tally, d->drop, 1);
		} else if (w->header[i].ttl <= 1) {
			tally_add(&w->agent.tally, TP_C_client_ttl_expired, 1);
		} else if (d->verdict == RELAY_PEER) {
			queue_to_peer(w, i, TRANSMIT_PEER);
		} else if (hairpin(w, i, hairpins)) {
			// Each of the two relays it passes takes one from the TTL. The header of
			// an earlier datagram has been used by now.
			w->header[hairpins] = w->header[i];
			w->header[hairpins++].ttl--;
		}
	}
	worker_decide_peers(w, w->hairpin, hairpins);
	transmit_flush(w);
	return (unsigned int)received;
}
