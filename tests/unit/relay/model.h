// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The relay's rules said simply: arrays, searched from one end to the other. What histories compare
// the tables with.
#pragma once

#include "fixture.h"

struct model_allocation {
	bool used;
	struct tp_endpoint client;
	uint8_t server;
	uint8_t relay;
	uint16_t port;
	uint32_t generation;
	uint64_t expires; // ticks
	bool moving;
	struct tp_endpoint next; // where the client moves to
	uint8_t next_server;
};

struct model_peer {
	bool used;
	uint32_t slot;
	struct tp_endpoint peer; // port 0: a permission
	uint16_t channel;
	uint32_t generation;
	uint64_t expires;
};

struct model {
	struct model_allocation allocation[ALLOCATIONS];
	struct model_peer peer[PEERS];
};

static inline bool model_same(const struct tp_endpoint *a, const struct tp_endpoint *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static inline bool model_live(uint64_t expires, uint64_t now)
{
	return now / TICK < expires;
}

// port 0: the permission.
static inline struct model_peer *model_find(struct model *m, uint32_t slot, struct tp_endpoint peer)
{
	for (int i = 0; i < PEERS; i++)
		if (m->peer[i].used && m->peer[i].slot == slot &&
			model_same(&m->peer[i].peer, &peer))
			return &m->peer[i];
	return NULL;
}

static inline bool model_same_client(
	const struct model_allocation *a, const struct model_allocation *b)
{
	return model_same(&a->client, &b->client) && a->server == b->server;
}

static inline bool model_moves_to(
	const struct model_allocation *a, const struct tp_endpoint *client, uint8_t server)
{
	return a->moving && model_same(&a->next, client) && a->next_server == server;
}

// Whether `a` has this client's place, or will have it, for relayed addresses of this family.
static inline bool model_in_place(const struct model_allocation *a,
	const struct tp_endpoint *client, uint8_t server, bool six)
{
	return a->used && (a->relay == V6) == six &&
	       ((model_same(&a->client, client) && a->server == server) ||
		       model_moves_to(a, client, server));
}

// Whatever allocation of the client has the number.
static inline struct model_peer *model_channel(struct model *m, uint32_t slot, uint16_t channel)
{
	for (int i = 0; i < PEERS; i++)
		if (m->peer[i].used && m->peer[i].channel == channel &&
			model_same_client(&m->allocation[m->peer[i].slot], &m->allocation[slot]))
			return &m->peer[i];
	return NULL;
}

static inline void model_drop(struct model *m, uint32_t slot)
{
	for (int i = 0; i < PEERS; i++)
		if (m->peer[i].slot == slot)
			m->peer[i].used = false;
	m->allocation[slot].used = false;
}

static inline enum tp_status model_put_allocation(struct model *m, const struct tp_command *c)
{
	struct model_allocation new = {true, c->client, c->server, c->relay, c->relay_port,
		c->generation, c->expires_ms / TICK};
	struct model_allocation *old = &m->allocation[c->allocation];
	enum tp_status status = TP_STATUS_OK;

	for (uint32_t i = 0; i < ALLOCATIONS; i++) {
		const struct model_allocation *a = &m->allocation[i];

		if (!a->used || i == c->allocation || a->generation != c->generation)
			continue;
		if (a->relay == new.relay && a->port == new.port)
			return TP_STATUS_PORT_TAKEN;
		if (model_in_place(a, &new.client, new.server, new.relay == V6))
			status = TP_STATUS_CONFLICT;
	}
	if (status)
		return status;
	// None of this generation is in the way; those of others go.
	for (uint32_t i = 0; i < ALLOCATIONS; i++) {
		const struct model_allocation *a = &m->allocation[i];

		if (a->used && i != c->allocation &&
			((a->relay == new.relay && a->port == new.port) ||
				model_in_place(a, &new.client, new.server, new.relay == V6)))
			model_drop(m, i);
	}
	if (old->used && model_moves_to(old, &new.client, new.server) && old->relay == new.relay &&
		old->port == new.port) {
		struct model_allocation as = new;

		as.used = true;
		for (int i = 0; i < PEERS; i++)
			for (int k = 0; k < PEERS; k++)
				if (m->peer[i].used && m->peer[i].channel &&
					m->peer[i].slot == c->allocation && m->peer[k].used &&
					m->peer[k].slot != c->allocation &&
					m->peer[k].channel == m->peer[i].channel &&
					model_same_client(&m->allocation[m->peer[k].slot], &as))
					return TP_STATUS_CONFLICT;
		*old = new;
		return TP_STATUS_OK;
	}
	if (old->generation == new.generation) {
		new.moving = old->moving;
		new.next = old->next;
		new.next_server = old->next_server;
	}
	if (!old->used || !model_same_client(old, &new) || old->relay != new.relay ||
		old->port != new.port) {
		model_drop(m, c->allocation);
		new.moving = false;
	}
	*old = new;
	return TP_STATUS_OK;
}

static inline enum tp_status model_move(struct model *m, const struct tp_command *c)
{
	struct model_allocation *a = &m->allocation[c->allocation];

	if (!a->used)
		return TP_STATUS_NO_ALLOCATION;
	if (model_same(&a->client, &c->client) && a->server == c->server) {
		a->moving = false;
		return TP_STATUS_OK;
	}
	for (uint32_t i = 0; i < ALLOCATIONS; i++) {
		if (i == c->allocation ||
			!model_in_place(&m->allocation[i], &c->client, c->server, a->relay == V6))
			continue;
		if (m->allocation[i].generation == c->generation)
			return TP_STATUS_CONFLICT;
		model_drop(m, i);
	}
	a->moving = true;
	a->next = c->client;
	a->next_server = c->server;
	return TP_STATUS_OK;
}

static inline enum tp_status model_put_peer(struct model *m, const struct tp_command *c)
{
	for (int i = 0; i < PEERS; i++) {
		if (m->peer[i].used)
			continue;
		m->peer[i] = (struct model_peer){true, c->allocation, c->peer, c->channel,
			c->generation, c->expires_ms / TICK};
		return TP_STATUS_OK;
	}
	return TP_STATUS_NO_SPACE;
}

static inline enum tp_status model_put(struct model *m, const struct tp_command *c, uint64_t now)
{
	struct model_peer *by_peer = model_find(m, c->allocation, c->peer);
	struct model_peer *by_number = by_peer;

	if (!m->allocation[c->allocation].used)
		return TP_STATUS_NO_ALLOCATION;
	if (tp_ip_is4(&c->peer.ip) != (m->allocation[c->allocation].relay != V6))
		return TP_STATUS_INVALID;
	if (c->kind == TP_PUT_CHANNEL)
		by_number = model_channel(m, c->allocation, c->channel);
	if (by_peer && by_peer == by_number) {
		by_peer->expires = c->expires_ms / TICK;
		by_peer->generation = c->generation;
		return TP_STATUS_OK;
	}
	if ((by_peer && model_live(by_peer->expires, now)) ||
		(by_number && model_live(by_number->expires, now)))
		return TP_STATUS_CONFLICT;
	if (by_peer)
		by_peer->used = false;
	if (by_number)
		by_number->used = false;
	return model_put_peer(m, c);
}

// How many destinations are held: one for each client, and for each peer that is none of our own addresses.
static inline uint32_t model_destinations(const struct model *m)
{
	const struct relay_config c = config();
	uint32_t n = 0;

	for (int i = 0; i < ALLOCATIONS; i++)
		n += m->allocation[i].used * (1u + m->allocation[i].moving);
	for (int i = 0; i < PEERS; i++) {
		bool own = false;

		for (uint32_t k = 0; k < c.capabilities.relays; k++)
			own |= tp_ip_equal(&m->peer[i].peer.ip, &c.capabilities.relay[k].local) ||
			       tp_ip_equal(&m->peer[i].peer.ip, &c.capabilities.relay[k].public_);
		n += m->peer[i].used && !own;
	}
	return n;
}

static inline enum tp_status model_apply(struct model *m, const struct tp_command *c, uint64_t now)
{
	struct model_peer *p = NULL;

	switch (c->kind) {
	case TP_PUT_ALLOCATION:
		return model_put_allocation(m, c);
	case TP_PUT_PERMISSION:
	case TP_PUT_CHANNEL:
		return model_put(m, c, now);
	case TP_MOVE_ALLOCATION:
		return model_move(m, c);
	case TP_DROP_ALLOCATION:
		model_drop(m, c->allocation);
		break;
	case TP_DROP_PERMISSION:
		p = model_find(m, c->allocation, c->peer);
		break;
	case TP_DROP_CHANNEL:
		if (m->allocation[c->allocation].used)
			p = model_channel(m, c->allocation, c->channel);
		if (p && p->slot != c->allocation)
			p = NULL;
		break;
	case TP_SWEEP:
		for (uint32_t i = 0; i < ALLOCATIONS; i++)
			if (m->allocation[i].used && m->allocation[i].generation != c->generation)
				model_drop(m, i);
		for (int i = 0; i < PEERS; i++)
			if (m->peer[i].generation != c->generation)
				m->peer[i].used = false;
		break;
	}
	if (p)
		p->used = false;
	return TP_STATUS_OK;
}
