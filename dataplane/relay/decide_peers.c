// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Peer to client, a burst at a time: fetch port lines; decide for those that hear from the peer they
// know, and for the others fetch what the index has about it, its permission and its channel.

#include "indication.h"

// A packet whose port line does not know its peer.
struct unknown {
	struct port_line *line;
	const struct index_bucket *bucket[2]; // of the permission, of the channel
	uint64_t hash[2];
	uint8_t i;
};

static void drop(struct relay_decision *d, enum tp_counter reason)
{
	d->verdict = RELAY_DROP;
	d->drop = (uint8_t)reason;
}

static ALWAYS_INLINE void deliver(struct relay *r, struct port_line *l,
	const struct relay_from_peer *in, struct relay_decision *d)
{
	uint32_t front, padding = 0;

	if (l->channel) {
		front = TP_CHANNEL_HEADER;
	} else {
		front = tp_ip_is4(&in->peer.ip) ? 36 : 48;
		padding = tp_pad4(in->length);
	}
	// The first test spares the second, exact one in all but absurd cases.
	if (__builtin_expect(in->length > UDP4_PAYLOAD_MAX - RELAY_FRONT_MAX - 3, 0) &&
		(in->length > UDP6_PAYLOAD_MAX ||
			in->length + front + padding > udp_payload_max(&l->client))) {
		drop(d, TP_C_peer_too_large);
		return;
	}
	if (!port_line_count(r, l, in->length)) {
		drop(d, TP_C_peer_rate_limited);
		return;
	}
	if (l->channel) {
		put32(d->front, (uint32_t)l->channel << 16 | in->length);
	} else {
		uint32_t at = indication_begin(r, d->front, &in->peer, 4 + in->length + padding);

		put16(d->front + at, TP_ATTR_DATA);
		put16(d->front + at + 2, in->length);
	}
	d->verdict = RELAY_CLIENT;
	d->server = l->server;
	d->transport = l->transport;
	d->padding = (uint8_t)padding;
	d->front_length = (uint16_t)front;
	d->offset = 0;
	d->length = in->length;
	d->allocation = l->allocation - 1;
	d->destination = l->destination;
	d->to = (struct tp_endpoint){.ip = l->client, .port = l->client_port};
}

static void fetch_peer(const struct relay *r, const struct relay_from_peer *in, struct unknown *u)
{
	uint32_t slot = u->line->allocation - 1;

	u->hash[0] = peer_hash(r, slot, &in->peer.ip, 0);
	u->hash[1] = peer_hash(r, slot, &in->peer.ip, in->peer.port);
	for (unsigned int k = 0; k < 2; k++) {
		u->bucket[k] = index_home(&r->peer_index, u->hash[k]);
		__builtin_prefetch(u->bucket[k]);
	}
}

static void fetch_records(const struct relay *r, const struct unknown *u)
{
	for (unsigned int k = 0; k < 2; k++) {
		unsigned int slot = index_slot(u->bucket[k], index_tag(u->hash[k]));

		if (slot < INDEX_SLOTS)
			__builtin_prefetch(&r->peers[u->bucket[k]->item[slot]]);
	}
}

// Asks the records, and has the port line know this peer if it may send (RFC 8656 section 9.1): with
// a live channel by that, else by the permission alone.
static bool meet_peer(
	const struct relay *r, struct port_line *l, const struct relay_from_peer *in, uint32_t tick)
{
	uint32_t slot = l->allocation - 1;
	uint32_t permission = relay_find_peer(r, slot, &in->peer.ip, 0);
	uint32_t channel;

	if (permission == RELAY_NONE || !clock_live(r->peers[permission].expires, tick))
		return false;
	l->peer = in->peer.ip;
	l->peer_port = in->peer.port;
	l->channel = 0;
	l->until = clock_earlier(l->expires, r->peers[permission].expires);
	channel = in->peer.port ? relay_find_peer(r, slot, &in->peer.ip, in->peer.port)
				: RELAY_NONE;
	if (channel != RELAY_NONE && clock_live(r->peers[channel].expires, tick)) {
		l->channel = r->peers[channel].channel;
		l->until = clock_earlier(l->until, r->peers[channel].expires);
	}
	return true;
}

static ALWAYS_INLINE bool knows(
	const struct port_line *l, const struct tp_endpoint *peer, uint32_t tick)
{
	return tp_ip_equal(&l->peer, &peer->ip) && l->peer_port == peer->port &&
	       clock_live(l->until, tick);
}

static NEVER_INLINE void decide_unknown(struct relay *r, const struct relay_from_peer *in,
	struct relay_decision *out, const struct unknown *unknown, unsigned int n, uint32_t tick)
{
	for (unsigned int k = 0; k < n; k++)
		fetch_records(r, &unknown[k]);
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = unknown[k].i;
		struct port_line *l = unknown[k].line;

		// An earlier one of the burst may have introduced it.
		if (knows(l, &in[i].peer, tick) || meet_peer(r, l, &in[i], tick))
			deliver(r, l, &in[i], &out[i]);
		else
			drop(&out[i], TP_C_peer_no_permission);
	}
}

void relay_decide_peers(struct relay *r, const struct relay_from_peer *in,
	struct relay_decision *out, unsigned int n, uint64_t now)
{
	struct port_line *line[RELAY_BURST];
	struct unknown unknown[RELAY_BURST];
	unsigned int unknowns = 0;
	uint32_t tick = clock_tick(now);

	r->now_ms = now;
	for (unsigned int i = 0; i < n; i++) {
		line[i] = relay_port_line(r, in[i].relay, in[i].port);
		__builtin_prefetch(line[i], 1);
	}
	for (unsigned int i = 0; i < n; i++) {
		struct port_line *l = line[i];

		if (!l || !l->allocation) {
			drop(&out[i], TP_C_peer_no_allocation);
		} else if (knows(l, &in[i].peer, tick)) {
			deliver(r, l, &in[i], &out[i]);
		} else if (!clock_live(l->expires, tick)) {
			drop(&out[i], TP_C_peer_expired);
		} else {
			unknown[unknowns] = (struct unknown){.line = l, .i = (uint8_t)i};
			fetch_peer(r, &in[i], &unknown[unknowns++]);
		}
	}
	if (unknowns)
		decide_unknown(r, in, out, unknown, unknowns, tick);
}
