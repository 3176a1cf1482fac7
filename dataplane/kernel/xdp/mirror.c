// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "mirror.h"

#include <errno.h>
#include <stdlib.h>

#include "slots.h"

int mirror_create(struct mirror **out, const struct tp_capabilities *capabilities,
	const struct xdp_config *config, const struct mirror_ops *ops)
{
	struct mirror *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->slots = calloc(capabilities->allocations, sizeof(*m->slots));
	m->peers = calloc(capabilities->peers, sizeof(*m->peers));
	if (!m->slots || !m->peers) {
		free(m->slots);
		free(m->peers);
		free(m);
		return -ENOMEM;
	}
	pthread_mutex_init(&m->lock, NULL);
	m->capabilities = capabilities;
	m->config = config;
	m->ops = *ops;
	m->free_peers = MIRROR_NONE;
	*out = m;
	return 0;
}

void mirror_destroy(struct mirror *m)
{
	if (!m)
		return;
	pthread_mutex_destroy(&m->lock);
	free(m->slots);
	free(m->peers);
	free(m);
}

static void end_move(struct mirror *m, uint32_t slot)
{
	if (m->slots[slot].moving)
		entry_delete_moving(m, slot);
	m->slots[slot].moving = false;
}

// Takes a slot's allocation out of the maps: what leads there first, the entries that it leads to last.
static void drop_slot(struct mirror *m, uint32_t slot)
{
	struct mirror_slot *s = &m->slots[slot];

	end_move(m, slot);
	peer_delete_channels(m, slot);
	entry_delete_allocation(m, slot);
	entry_clear_port(m, slot);
	peer_forget_all(m, slot);
	m->ops.give_back_destination(m->ops.context, s->destination);
	*s = (struct mirror_slot){0};
	m->usage.allocations--;
}

static bool same(const struct mirror_slot *s, const struct tp_command *c)
{
	return tp_endpoint_equal(&s->client, &c->client) && s->server == c->server &&
	       s->relay == c->relay && s->relay_port == c->relay_port;
}

// Whether the client has come to where it moved.
static bool arrives(const struct mirror_slot *s, const struct tp_command *c)
{
	return s->moving && tp_endpoint_equal(&s->next, &c->client) &&
	       s->next_server == c->server && s->relay == c->relay &&
	       s->relay_port == c->relay_port;
}

static bool limited(const struct tp_command *c)
{
	return c->packets_per_second || c->bits_per_second || c->user_packets_per_second ||
	       c->user_bits_per_second;
}

static int make_slot(struct mirror *m, uint32_t worker, const struct tp_command *c)
{
	uint32_t destination = m->ops.take_destination(m->ops.context, &c->client.ip);
	int err;

	if (!destination)
		return -ENOSPC;
	m->slots[c->allocation] = (struct mirror_slot){.client = c->client,
		.expires_ms = c->expires_ms,
		.peers = MIRROR_NONE,
		.favourite = MIRROR_NONE,
		.destination = destination,
		.relay_port = c->relay_port,
		.relay = c->relay,
		.server = c->server,
		.workers = 1ull << worker,
		.generation = c->generation,
		.limited = limited(c)};
	m->usage.allocations++;
	entry_write_port(m, c->allocation);
	err = entry_put_allocation(m, c->allocation);
	if (err)
		drop_slot(m, c->allocation);
	return err;
}

static int refresh_slot(struct mirror *m, uint32_t slot, const struct tp_command *c)
{
	int err;

	m->slots[slot].expires_ms = c->expires_ms;
	m->slots[slot].limited = limited(c);
	entry_write_port(m, slot);
	err = entry_put_allocation(m, slot);
	return err ? err : peer_refresh_all(m, slot);
}

// The entries by the new address stand beside those by the former one until these go: at no time has either
// side nothing. What leads to the former address goes last.
static int settle(struct mirror *m, uint32_t slot, const struct tp_command *c)
{
	struct mirror_slot *s = &m->slots[slot];
	const struct tp_endpoint client = s->client;
	const uint32_t destination = s->destination;
	const uint8_t server = s->server;
	int err;

	s->destination = m->ops.take_destination(m->ops.context, &c->client.ip);
	if (!s->destination) {
		s->destination = destination;
		return -ENOSPC;
	}
	m->ops.give_back_destination(m->ops.context, destination);
	s->client = c->client;
	s->server = c->server;
	s->moving = false; // its entry becomes the allocation's
	err = refresh_slot(m, slot, c);
	// The channels by the former address.
	s->client = client;
	s->server = server;
	peer_delete_channels(m, slot);
	entry_delete_allocation(m, slot);
	s->client = c->client;
	s->server = c->server;
	return err;
}

static int put_slot(struct mirror *m, uint32_t worker, const struct tp_command *c)
{
	struct mirror_slot *s = &m->slots[c->allocation];
	int err;

	if (s->workers && !same(s, c) && !arrives(s, c))
		drop_slot(m, c->allocation);
	if (!s->workers)
		return make_slot(m, worker, c);
	s->workers |= 1ull << worker;
	// As in the tables: the move of another generation is none of this one's.
	if (s->generation != c->generation && same(s, c))
		end_move(m, c->allocation);
	s->generation = c->generation;
	err = same(s, c) ? refresh_slot(m, c->allocation, c) : settle(m, c->allocation, c);
	if (err)
		drop_slot(m, c->allocation);
	return err;
}

static int move_slot(struct mirror *m, const struct tp_command *c)
{
	struct mirror_slot *s = &m->slots[c->allocation];
	const bool stays = tp_endpoint_equal(&s->client, &c->client) && s->server == c->server;

	if (s->moving && tp_endpoint_equal(&s->next, &c->client) && s->next_server == c->server)
		return 0;
	end_move(m, c->allocation);
	if (stays)
		return 0;
	s->next = c->client;
	s->next_server = c->server;
	s->moving = entry_put_moving(m, c->allocation) == 0;
	return s->moving ? 0 : -ENOSPC;
}

static int apply(struct mirror *m, uint32_t worker, const struct tp_command *c)
{
	bool there = m->slots[c->allocation].workers >> worker & 1;

	switch (c->kind) {
	case TP_PUT_ALLOCATION:
		return put_slot(m, worker, c);
	case TP_MOVE_ALLOCATION:
		return there ? move_slot(m, c) : -ENOENT;
	case TP_PUT_PERMISSION:
		return there ? peer_put_permission(m, c) : -ENOENT;
	case TP_PUT_CHANNEL:
		return there ? peer_put_channel(m, c) : -ENOENT;
	case TP_DROP_PERMISSION:
		if (there)
			peer_drop_permission(m, c);
		return 0;
	case TP_DROP_CHANNEL:
		if (there)
			peer_drop_channel(m, c->allocation, c->channel);
		return 0;
	}
	return 0; // TP_DROP_ALLOCATION: mirror_dropped()
}

int mirror_apply(struct mirror *m, uint32_t worker, const struct tp_command *command)
{
	int err;

	pthread_mutex_lock(&m->lock);
	err = apply(m, worker, command);
	pthread_mutex_unlock(&m->lock);
	return err;
}

// Allocations of another generation have been dropped, one by one, by mirror_dropped().
uint32_t mirror_sweep(struct mirror *m, uint32_t worker, uint32_t generation, uint32_t from)
{
	const uint32_t all = m->capabilities->allocations;
	const uint32_t end = all - from > MIRROR_SWEEP_LOOK ? from + MIRROR_SWEEP_LOOK : all;

	pthread_mutex_lock(&m->lock);
	for (; from < end; from++)
		if (m->slots[from].workers >> worker & 1)
			peer_sweep(m, from, generation);
	pthread_mutex_unlock(&m->lock);
	return end < all ? end : 0;
}

void mirror_dropped(struct mirror *m, uint32_t worker, uint32_t slot)
{
	pthread_mutex_lock(&m->lock);
	// Else it has become another worker's since.
	if (m->slots[slot].workers >> worker & 1) {
		m->slots[slot].workers &= ~(1ull << worker);
		if (!m->slots[slot].workers)
			drop_slot(m, slot);
	}
	pthread_mutex_unlock(&m->lock);
}

void mirror_usage(struct mirror *m, struct mirror_usage *out)
{
	pthread_mutex_lock(&m->lock);
	*out = m->usage;
	pthread_mutex_unlock(&m->lock);
}
