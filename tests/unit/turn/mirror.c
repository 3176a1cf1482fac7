// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <stdlib.h>
#include <string.h>

#include "mirror.h"

static struct mirror_peer *find(
	const struct mirror_slot *s, const struct tp_ip *ip, uint16_t channel)
{
	for (uint32_t i = 0; i < s->peers_used; i++) {
		struct mirror_peer *p = &s->peers[i];

		if (p->used && p->channel == channel && (channel || tp_ip_equal(&p->peer.ip, ip)))
			return p;
	}
	return NULL;
}

static void clear(struct mirror_slot *s)
{
	free(s->peers);
	*s = (struct mirror_slot){0};
}

// A client has one allocation of a server and family (RFC 8656 section 5).
static bool same_client(
	const struct mirror *m, const struct tp_command *a, const struct tp_command *b)
{
	const struct tp_relay_address *relay = m->capabilities.relay;

	return tp_endpoint_equal(&a->client, &b->client) && a->server == b->server &&
	       tp_ip_family(&relay[a->relay].local) == tp_ip_family(&relay[b->relay].local);
}

static enum tp_status put_allocation(struct mirror *m, const struct tp_command *c)
{
	const struct tp_capabilities *p = &m->capabilities;
	struct mirror_slot *s = &m->slots[c->allocation];

	if (c->relay >= p->relays || c->server >= p->servers || c->relay_port < p->port_min ||
		c->relay_port > p->port_max || !c->expires_ms || !c->client.port || c->peer.port)
		return TP_STATUS_INVALID;
	for (uint32_t i = 0; i < MIRROR_SLOTS; i++) {
		const struct tp_command *o = &m->slots[i].put;

		const bool port = o->relay == c->relay && o->relay_port == c->relay_port;

		if (i == c->allocation || !o->kind || (!port && !same_client(m, o, c)))
			continue;
		if (o->generation != c->generation)
			clear(&m->slots[i]);
		else if (port)
			return TP_STATUS_INVALID; // two of our own on one port
		else
			return TP_STATUS_CONFLICT;
	}
	if (s->put.kind && s->move.kind && tp_endpoint_equal(&s->move.client, &c->client) &&
		s->move.server == c->server && s->put.relay_port == c->relay_port &&
		s->put.relay == c->relay) {
		s->move = (struct tp_command){0};
		s->put = *c;
		return TP_STATUS_OK;
	}
	if (s->put.generation != c->generation)
		s->move = (struct tp_command){0};
	if (s->put.kind &&
		(!tp_endpoint_equal(&s->put.client, &c->client) || s->put.relay != c->relay ||
			s->put.relay_port != c->relay_port || s->put.server != c->server))
		clear(s);
	s->put = *c;
	return TP_STATUS_OK;
}

static enum tp_status move(struct mirror *m, const struct tp_command *c)
{
	struct mirror_slot *s = &m->slots[c->allocation];

	if (!s->put.kind)
		return TP_STATUS_NO_ALLOCATION;
	if (c->server >= m->capabilities.servers || !c->client.port || c->peer.port ||
		c->relay_port || c->generation != s->put.generation)
		return TP_STATUS_INVALID;
	s->move = *c;
	if (tp_endpoint_equal(&c->client, &s->put.client) && c->server == s->put.server)
		s->move = (struct tp_command){0};
	for (uint32_t i = 0; s->move.kind && i < MIRROR_SLOTS; i++) {
		const struct mirror_slot *o = &m->slots[i];
		struct tp_command moved = s->put;

		moved.client = c->client;
		moved.server = c->server;
		if (i != c->allocation && o->put.kind && o->put.generation == s->put.generation &&
			same_client(m, &o->put, &moved))
			return TP_STATUS_CONFLICT;
	}
	return TP_STATUS_OK;
}

static enum tp_status put_peer(struct mirror *m, const struct tp_command *c)
{
	struct mirror_slot *s = &m->slots[c->allocation];
	struct mirror_peer *p;
	uint32_t i;

	if (!s->put.kind)
		return TP_STATUS_NO_ALLOCATION;
	if (c->kind == TP_PUT_CHANNEL
			? c->channel < TP_CHANNEL_MIN || c->channel > m->capabilities.channel_max ||
				  !c->peer.port
			: c->channel || c->peer.port)
		return TP_STATUS_INVALID;
	if (!s->peers)
		s->peers = calloc(MIRROR_PEERS, sizeof(*s->peers));
	for (i = 0; c->channel && i < s->peers_used; i++) {
		p = &s->peers[i];
		if (p->used && p->channel &&
			(p->channel == c->channel) != tp_endpoint_equal(&p->peer, &c->peer))
			return TP_STATUS_CONFLICT;
	}
	// A number is bound once in both halves of a dual allocation.
	for (i = 0; c->channel && i < MIRROR_SLOTS; i++) {
		const struct mirror_slot *o = &m->slots[i];

		if (i != c->allocation && o->put.kind && o->put.generation == s->put.generation &&
			o->put.server == s->put.server &&
			tp_endpoint_equal(&o->put.client, &s->put.client) &&
			find(o, &c->peer.ip, c->channel))
			return TP_STATUS_CONFLICT;
	}
	p = find(s, &c->peer.ip, c->channel);
	if (!p) {
		for (i = 0; i < s->peers_used && s->peers[i].used; i++)
			;
		if (!s->peers || i == MIRROR_PEERS)
			return TP_STATUS_NO_SPACE;
		if (i == s->peers_used)
			s->peers_used++;
		p = &s->peers[i];
	}
	*p = (struct mirror_peer){c->peer, c->expires_ms, c->generation, c->channel, true};
	return TP_STATUS_OK;
}

static void sweep(struct mirror *m, uint32_t generation)
{
	for (uint32_t i = 0; i < MIRROR_SLOTS; i++) {
		struct mirror_slot *s = &m->slots[i];

		if (s->put.kind && s->put.generation != generation)
			clear(s);
		for (uint32_t k = 0; k < s->peers_used; k++) {
			if (s->peers[k].generation != generation)
				s->peers[k].used = false;
		}
	}
}

enum tp_status mirror_apply(struct mirror *m, const struct tp_command *c)
{
	struct mirror_peer *p;

	if (c->allocation >= MIRROR_SLOTS || c->allocation >= m->capabilities.allocations)
		return TP_STATUS_INVALID;
	switch (c->kind) {
	case TP_PUT_ALLOCATION:
		return put_allocation(m, c);
	case TP_DROP_ALLOCATION:
		clear(&m->slots[c->allocation]);
		return TP_STATUS_OK;
	case TP_PUT_PERMISSION:
	case TP_PUT_CHANNEL:
		return put_peer(m, c);
	case TP_DROP_PERMISSION:
	case TP_DROP_CHANNEL:
		if ((c->kind == TP_DROP_CHANNEL) != (c->channel != 0))
			return TP_STATUS_INVALID;
		p = find(&m->slots[c->allocation], &c->peer.ip, c->channel);
		if (p)
			p->used = false;
		return TP_STATUS_OK;
	case TP_MOVE_ALLOCATION:
		return move(m, c);
	case TP_SWEEP:
		sweep(m, c->generation);
		return TP_STATUS_OK;
	default:
		return TP_STATUS_INVALID;
	}
}

void mirror_clear(struct mirror *m)
{
	for (uint32_t i = 0; i < MIRROR_SLOTS; i++)
		clear(&m->slots[i]);
}

const struct mirror_peer *mirror_find(
	const struct mirror *m, uint32_t slot, const struct tp_ip *ip, uint16_t channel)
{
	return find(&m->slots[slot], ip, channel);
}

uint32_t mirror_count(const struct mirror *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < MIRROR_SLOTS; i++)
		n += m->slots[i].put.kind != 0;
	return n;
}

uint32_t mirror_peers(const struct mirror *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < MIRROR_SLOTS; i++) {
		for (uint32_t k = 0; k < m->slots[i].peers_used; k++)
			n += m->slots[i].peers[k].used;
	}
	return n;
}
