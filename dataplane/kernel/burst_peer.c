// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// From peers: ChannelData or Data indications to clients. Datagrams are gathered over relay
// sockets, so that many allocations with a datagram each make one burst.

#include "icmp.h"
#include "public.h"
#include "worker.h"

static const uint8_t zeros[4];

static void queue_to_client(struct worker *w, const struct relay_decision *d, unsigned int i)
{
	struct transmit_item *item = transmit_next(&w->transmit);

	*item = (struct transmit_item){.fd = w->listener[d->server].fd,
		.usual = &w->listener[d->server].usual,
		.counted = d->length,
		.destination = d->destination,
		.kind = TRANSMIT_CLIENT,
		.server = d->server,
		.header = {(uint8_t)(w->header[i].ttl - 1), w->header[i].tos},
		.parts = 3,
		.part = {{(void *)d->front, d->front_length},
			{(void *)(w->from_peer[i].data + d->offset), d->length},
			{(void *)zeros, d->padding}},
		.to = d->to};
}

void worker_decide_peers(struct worker *w, struct relay_decision *decision, unsigned int n)
{
	relay_decide_peers(w->agent.relay, w->from_peer, decision, n, w->agent.now);
	for (unsigned int i = 0; i < n; i++) {
		const struct relay_decision *d = &decision[i];

		if (d->verdict != RELAY_CLIENT)
			tally_add(&w->agent.tally, d->drop, 1);
		else if (w->header[i].ttl <= 1)
			tally_add(&w->agent.tally, TP_C_peer_ttl_expired, 1);
		else
			queue_to_client(w, d, i);
	}
}

static void add(struct worker *w, struct relay_socket *s, unsigned int slot)
{
	struct datagram d;
	unsigned int n;

	tally_add(&w->agent.tally, TP_C_rx_overflow,
		receive_slot(&w->receive, slot, &d, &s->overflow));
	tally_add(&w->agent.tally, TP_C_peer_packets, 1);
	tally_add(&w->agent.tally, TP_C_peer_bytes, d.length);
	if (!d.source_valid || d.truncated) {
		tally_add(&w->agent.tally,
			d.truncated ? TP_C_peer_truncated : TP_C_peer_source_invalid, 1);
		return;
	}
	public_address(w, &d.from.ip);
	n = w->gathered++;
	w->header[n] = (struct packet_header){d.ttl, d.tos};
	w->from_peer[n] = (struct relay_from_peer){.data = d.data,
		.length = d.length,
		.relay = s->relay,
		.port = s->port,
		.peer = d.from};
}

unsigned int worker_peers(struct worker *w, uint32_t socket, bool error)
{
	struct relay_socket *s = &w->sockets.at[socket];
	unsigned int errors;
	int received;

	// A command of this round may have closed it.
	if (s->fd < 0)
		return 0;
	errors = error ? icmp_drain(w, s) : 0;
	received = receive_burst(&w->receive, w->slots, s->fd);
	if (received <= 0) {
		// An error here is an ICMP error's, whose turn comes with the next event.
		if (received != -EAGAIN && !icmp_drain(w, s) && !errors)
			tally_add(&w->agent.tally, TP_C_rx_error, 1);
		return errors;
	}
	for (int i = 0; i < received; i++)
		add(w, s, w->slots + (unsigned int)i);
	w->slots += (unsigned int)received;
	if (w->slots == RELAY_BURST)
		worker_peers_finish(w);
	return errors + (unsigned int)received;
}

void worker_peers_finish(struct worker *w)
{
	worker_decide_peers(w, w->decision, w->gathered);
	transmit_flush(w);
	w->gathered = w->slots = 0;
}
