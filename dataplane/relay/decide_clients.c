// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Client to peer, a burst at a time, in stages, so that the lines of a whole burst are on their way
// from memory at once: parse, hash, fetch buckets; compare tags, fetch client lines; decide. Send
// indications then take two stages more, for their permission.

#include <string.h>

#include "send.h"
#include "tables.h"

// Turns the key of a client's allocation into that of its allocation of the other family.
#define OTHER_FAMILY ((uint64_t)(TP_IPV4 ^ TP_IPV6) << 16)

enum kind {
	DECIDED,
	CHANNEL,
	SEND,
	PUNT,
};

// What one stage leaves to the next.
struct step {
	uint64_t key;
	uint64_t hash;
	const struct index_bucket *bucket;
	uint32_t item;
	uint8_t kind; // enum kind: what is still to be done
};

struct burst {
	struct step step[RELAY_BURST];
	struct send send[RELAY_BURST];
	uint8_t sends[RELAY_BURST]; // which of the burst are Send indications
	unsigned int n_sends;
	uint32_t tick;
};

static void drop(struct relay_decision *d, enum tp_counter reason)
{
	d->verdict = RELAY_DROP;
	d->drop = (uint8_t)reason;
}

static ALWAYS_INLINE void look_up(const struct relay *r, const struct relay_from_client *in,
	uint16_t channel, enum kind kind, struct step *s)
{
	s->kind = kind;
	s->key = client_key(in->client.port, channel, in->server, in->transport);
	s->hash = hash_address(&r->key, &in->client.ip, s->key);
	s->bucket = index_home(&r->client_index, s->hash);
	__builtin_prefetch(s->bucket);
	if (kind != CHANNEL)
		__builtin_prefetch(index_home(&r->client_index,
			hash_address(&r->key, &in->client.ip, s->key ^ OTHER_FAMILY)));
}

// RFC 8656 section 12.6: over UDP the datagram may be longer than the header says, not shorter.
static ALWAYS_INLINE void read_channel(const struct relay *r, const struct relay_from_client *in,
	struct relay_decision *d, struct step *s)
{
	uint32_t header, length;

	if (in->length < TP_CHANNEL_HEADER) {
		drop(d, TP_C_channel_malformed);
		return;
	}
	memcpy(&header, in->data, sizeof(header));
	header = TP_BE32(header);
	length = header & UINT16_MAX;
	if (length > in->length - TP_CHANNEL_HEADER) {
		drop(d, TP_C_channel_malformed);
		return;
	}
	d->offset = TP_CHANNEL_HEADER;
	d->length = length;
	look_up(r, in, (uint16_t)(header >> 16), CHANNEL, s);
}

// fe80::/10. Which link it is on a record can't say, so nothing could be sent there later: it gets no
// allocation, and without one it can send no more than requests.
static bool link_local(const struct tp_ip *ip)
{
	return ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

static NEVER_INLINE void read_stun(const struct relay *r, const struct relay_from_client *in,
	struct relay_decision *d, struct burst *b, unsigned int i)
{
	enum tp_counter reason = TP_C_client_stun_malformed;
	struct send *send = &b->send[b->n_sends];

	switch (stun_read(in->data, in->length, send, &reason)) {
	case STUN_DROP:
		drop(d, reason);
		break;
	case STUN_PUNT:
		if (link_local(&in->client.ip)) {
			drop(d, TP_C_client_link_local);
			break;
		}
		d->verdict = RELAY_PUNT;
		look_up(r, in, TP_IPV4, PUNT, &b->step[i]);
		break;
	case STUN_SEND:
		d->offset = send->offset;
		d->length = send->length;
		look_up(r, in, tp_ip_family(&send->peer.ip), SEND, &b->step[i]);
		b->sends[b->n_sends++] = (uint8_t)i;
		break;
	}
}

// The first byte tells (RFC 8656 section 12): 0 to 3 STUN, from 64 on ChannelData.
static ALWAYS_INLINE void read_first(const struct relay *r, const struct relay_from_client *in,
	struct relay_decision *d, struct burst *b, unsigned int i)
{
	uint8_t first = in->length ? in->data[0] : UINT8_MAX;

	b->step[i].kind = DECIDED;
	if (first >= TP_CHANNEL_MIN >> 8 && first <= r->channel_max >> 8)
		read_channel(r, in, d, &b->step[i]);
	else if (first <= 3)
		read_stun(r, in, d, b, i);
	else
		drop(d, TP_C_client_reserved_byte);
}

static ALWAYS_INLINE uint32_t candidate(const struct index_bucket *bucket, uint64_t hash)
{
	unsigned int slot = index_slot(bucket, index_tag(hash));

	return slot < INDEX_SLOTS ? bucket->item[slot] : INDEX_NONE;
}

// The client's line, or NULL: nearly always the candidate already fetched.
static ALWAYS_INLINE struct client_line *line_of(
	const struct relay *r, const struct relay_from_client *in, const struct step *s)
{
	uint32_t item = s->item;

	if (item == INDEX_NONE && !s->bucket->displaced)
		return NULL;
	if (item == INDEX_NONE || !client_line_is(&r->clients[item], &in->client.ip, s->key))
		item = relay_find_client(r, &in->client.ip, s->key, s->hash);
	return item == INDEX_NONE ? NULL : &r->clients[item];
}

static ALWAYS_INLINE void relay_to(struct relay *r, struct client_line *l, struct relay_decision *d,
	const struct tp_ip *ip, uint16_t port, uint8_t target, uint32_t destination)
{
	d->verdict = target == NOT_OURS ? RELAY_PEER : RELAY_HAIRPIN;
	d->target = target;
	d->relay = client_line_relay(l);
	d->port = l->relay_port;
	d->allocation = l->allocation;
	d->destination = destination;
	d->to = (struct tp_endpoint){.ip = *ip, .port = port};
	if (!client_line_count(r, l, d->length))
		drop(d, TP_C_client_rate_limited);
}

// The line's promise is over: asks the records, and extends it if they are in force.
static NEVER_INLINE bool renew(
	const struct relay *r, struct client_line *l, struct relay_decision *d, uint32_t tick)
{
	uint32_t expires = r->allocations[l->allocation].expires;
	uint32_t line = (uint32_t)(l - r->clients);

	if (!clock_live(expires, tick)) {
		drop(d, TP_C_client_expired);
		return false;
	}
	if (line >= r->capabilities.allocations)
		expires = clock_earlier(
			expires, r->peers[line - r->capabilities.allocations].expires);
	if (!clock_live(expires, tick)) {
		drop(d, TP_C_channel_unbound);
		return false;
	}
	l->until = expires;
	return true;
}

static ALWAYS_INLINE void decide_channel(struct relay *r, const struct relay_from_client *in,
	const struct step *s, struct relay_decision *d, uint32_t tick)
{
	struct client_line *l = line_of(r, in, s);

	if (!l && __builtin_expect(r->moving != 0, 0))
		l = move_channel(r, &in->client.ip, s->key, tick);
	if (!l) {
		drop(d, TP_C_channel_unbound);
		return;
	}
	if (!clock_live(l->until, tick) && !renew(r, l, d, tick))
		return;
	d->dont_fragment = 0;
	relay_to(r, l, d, &l->peer, l->peer_port, client_line_target(l), l->destination);
}

// The client's allocation of the other family than the step looked up, or NULL.
static struct client_line *other_family(
	const struct relay *r, const struct relay_from_client *in, const struct step *s)
{
	uint64_t key = s->key ^ OTHER_FAMILY;
	uint64_t hash = hash_address(&r->key, &in->client.ip, key);
	uint32_t item = relay_find_client(r, &in->client.ip, key, hash);

	return item == RELAY_NONE ? NULL : &r->clients[item];
}

// Whether the allocation of a client's line, which may be an arriving one's, is in force.
static bool in_force(const struct relay *r, const struct client_line *l, uint32_t tick)
{
	return l && clock_live(r->allocations[l->allocation].expires, tick);
}

static void decide_punt(const struct relay *r, const struct relay_from_client *in,
	const struct step *s, struct relay_decision *d, uint32_t tick)
{
	const struct client_line *l = line_of(r, in, s);

	if (!in_force(r, l, tick))
		l = other_family(r, in, s);
	d->known = in_force(r, l, tick);
}

// Finds the Send indication's allocation and fetches the bucket of its permission.
static void find_allocation(struct relay *r, const struct relay_from_client *in,
	const struct send *send, struct step *s, struct relay_decision *d, uint32_t tick)
{
	struct client_line *l = line_of(r, in, s);

	s->kind = DECIDED;
	// From where the client moves to: what it has is under where it was.
	if (l && is_arriving_line(r, (uint32_t)(l - r->clients))) {
		move_note(r, l, tick);
		l = &r->clients[l->allocation];
	}
	if (!l) {
		drop(d, other_family(r, in, s) ? TP_C_send_invalid_peer : TP_C_send_no_allocation);
	} else if (!clock_live(l->until, tick)) {
		drop(d, TP_C_client_expired);
	} else if (!send->peer.port) {
		drop(d, TP_C_send_invalid_peer);
	} else {
		s->kind = SEND;
		s->item = (uint32_t)(l - r->clients);
		s->hash = peer_hash(r, s->item, &send->peer.ip, 0);
		s->bucket = index_home(&r->peer_index, s->hash);
		__builtin_prefetch(s->bucket);
	}
}

static void decide_send(struct relay *r, const struct send *send, const struct step *s,
	struct relay_decision *d, uint32_t tick)
{
	uint32_t p = candidate(s->bucket, s->hash);

	// Nearly always the one already fetched.
	if (p == INDEX_NONE || !peer_is(&r->peers[p], s->item, &send->peer.ip, 0))
		p = relay_find_peer(r, s->item, &send->peer.ip, 0);
	if (p == RELAY_NONE || !clock_live(r->peers[p].expires, tick)) {
		drop(d, TP_C_send_no_permission);
		return;
	}
	d->dont_fragment = send->dont_fragment;
	relay_to(r, &r->clients[s->item], d, &send->peer.ip, send->peer.port,
		(uint8_t)r->peers[p].target, r->peers[p].destination);
}

static void decide_sends(struct relay *r, const struct relay_from_client *in,
	struct relay_decision *out, struct burst *b)
{
	for (unsigned int k = 0; k < b->n_sends; k++) {
		unsigned int i = b->sends[k];

		find_allocation(r, &in[i], &b->send[k], &b->step[i], &out[i], b->tick);
	}
	for (unsigned int k = 0; k < b->n_sends; k++) {
		const struct step *s = &b->step[b->sends[k]];
		uint32_t p = s->kind == SEND ? candidate(s->bucket, s->hash) : INDEX_NONE;

		if (p != INDEX_NONE)
			__builtin_prefetch(&r->peers[p]);
	}
	for (unsigned int k = 0; k < b->n_sends; k++) {
		unsigned int i = b->sends[k];

		if (b->step[i].kind == SEND)
			decide_send(r, &b->send[k], &b->step[i], &out[i], b->tick);
	}
}

void relay_decide_clients(struct relay *r, const struct relay_from_client *in,
	struct relay_decision *out, unsigned int n, uint64_t now)
{
	struct burst b;

	r->now_ms = now;
	b.n_sends = 0;
	b.tick = clock_tick(now);
	for (unsigned int i = 0; i < n; i++)
		read_first(r, &in[i], &out[i], &b, i);
	for (unsigned int i = 0; i < n; i++) {
		struct step *s = &b.step[i];

		if (s->kind == DECIDED)
			continue;
		s->item = candidate(s->bucket, s->hash);
		if (s->item != INDEX_NONE)
			__builtin_prefetch(&r->clients[s->item], 1);
	}
	for (unsigned int i = 0; i < n; i++) {
		if (b.step[i].kind == CHANNEL)
			decide_channel(r, &in[i], &b.step[i], &out[i], b.tick);
		else if (b.step[i].kind == PUNT)
			decide_punt(r, &in[i], &b.step[i], &out[i], b.tick);
	}
	if (b.n_sends)
		decide_sends(r, in, out, &b);
}
