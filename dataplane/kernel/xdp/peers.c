// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Permissions and channels. An entry in `peers` is there before the client entry that leads to its peer, and
// goes after it.

#include <errno.h>

#include "slots.h"

uint32_t peer_find(const struct mirror *m, uint32_t slot, const struct tp_ip *ip, uint16_t port)
{
	uint32_t p = m->slots[slot].peers;

	while (p != MIRROR_NONE && !(tp_ip_equal(&m->peers[p].ip, ip) && m->peers[p].port == port))
		p = m->peers[p].next;
	return p;
}

static uint32_t find_channel(const struct mirror *m, uint32_t slot, uint16_t channel)
{
	uint32_t p = m->slots[slot].peers;

	while (p != MIRROR_NONE && m->peers[p].channel != channel)
		p = m->peers[p].next;
	return p;
}

// Whether this is a relay address of ours, in either form.
static bool own_relay(const struct mirror *m, const struct tp_ip *ip)
{
	const struct xdp_config *c = m->config;

	for (uint32_t i = 0; i < c->relays; i++)
		if (tp_ip_equal(&c->relay[i], ip) || tp_ip_equal(&c->relay_public[i], ip))
			return true;
	return false;
}

static uint32_t take_free(struct mirror *m)
{
	uint32_t p = m->free_peers;

	if (p != MIRROR_NONE) {
		m->free_peers = m->peers[p].next;
		return p;
	}
	return m->fresh_peers < m->capabilities->peers ? m->fresh_peers++ : MIRROR_NONE;
}

// A record in the slot's list, with a next hop unless it is one of our own addresses. MIRROR_NONE: no room.
static uint32_t make(struct mirror *m, const struct tp_command *c, uint16_t port, uint16_t channel)
{
	struct mirror_slot *s = &m->slots[c->allocation];
	bool hairpin = own_relay(m, &c->peer.ip);
	uint32_t destination = hairpin ? 0 : m->ops.take_destination(m->ops.context, &c->peer.ip);
	uint32_t p = !hairpin && !destination ? MIRROR_NONE : take_free(m);

	if (p == MIRROR_NONE) {
		if (destination)
			m->ops.give_back_destination(m->ops.context, destination);
		return MIRROR_NONE;
	}
	m->peers[p] = (struct mirror_peer){.ip = c->peer.ip,
		.expires_ms = c->expires_ms,
		.generation = c->generation,
		.next = s->peers,
		.destination = destination,
		.port = port,
		.channel = channel,
		.hairpin = hairpin};
	s->peers = p;
	m->usage.peers++;
	return p;
}

// The record alone; its entries are gone.
static void forget(struct mirror *m, uint32_t slot, uint32_t peer)
{
	uint32_t *at = &m->slots[slot].peers;

	while (*at != peer)
		at = &m->peers[*at].next;
	*at = m->peers[peer].next;
	if (m->peers[peer].destination)
		m->ops.give_back_destination(m->ops.context, m->peers[peer].destination);
	m->peers[peer] = (struct mirror_peer){.next = m->free_peers};
	m->free_peers = peer;
	m->usage.peers--;
}

// A relay address of ours is not heard from by the wire.
static bool may_be_favourite(const struct mirror_peer *p)
{
	return p->channel && !p->hairpin;
}

static uint32_t some_channel(const struct mirror *m, uint32_t slot)
{
	uint32_t p = m->slots[slot].peers;

	while (p != MIRROR_NONE && !may_be_favourite(&m->peers[p]))
		p = m->peers[p].next;
	return p;
}

static void drop(struct mirror *m, uint32_t slot, uint32_t peer)
{
	struct mirror_slot *s = &m->slots[slot];

	if (m->peers[peer].channel)
		entry_delete_channel(m, slot, peer);
	entry_delete_peer(m, slot, peer);
	forget(m, slot, peer);
	if (s->favourite == peer) {
		s->favourite = some_channel(m, slot);
		entry_write_port(m, slot);
	}
}

// The channels of an address depend on its permission.
static int refresh_channels(struct mirror *m, uint32_t slot, const struct tp_ip *ip)
{
	int err = 0;

	for (uint32_t p = m->slots[slot].peers; p != MIRROR_NONE; p = m->peers[p].next) {
		int failed;

		if (!m->peers[p].channel || !tp_ip_equal(&m->peers[p].ip, ip))
			continue;
		// What can't be told that it holds for shorter must not be there.
		failed = entry_put_peer(m, slot, p);
		if (failed)
			entry_delete_peer(m, slot, p);
		err = err ? err : failed;
		if (m->slots[slot].favourite == p)
			entry_write_port(m, slot);
	}
	return err;
}

int peer_put_permission(struct mirror *m, const struct tp_command *c)
{
	uint32_t p = peer_find(m, c->allocation, &c->peer.ip, 0);
	int err;

	if (p == MIRROR_NONE)
		p = make(m, c, 0, 0);
	if (p == MIRROR_NONE)
		return -ENOSPC;
	m->peers[p].expires_ms = c->expires_ms;
	m->peers[p].generation = c->generation;
	err = entry_put_peer(m, c->allocation, p);
	if (!err)
		err = refresh_channels(m, c->allocation, &c->peer.ip);
	if (err) {
		drop(m, c->allocation, p);
		refresh_channels(m, c->allocation, &c->peer.ip);
	}
	return err;
}

static int put_channel_entries(struct mirror *m, uint32_t slot, uint32_t peer)
{
	struct mirror_slot *s = &m->slots[slot];
	int err = entry_put_peer(m, slot, peer);

	if (!err)
		err = entry_put_channel(m, slot, peer);
	if (err)
		return err;
	if (s->favourite == MIRROR_NONE && may_be_favourite(&m->peers[peer]))
		s->favourite = peer;
	if (s->favourite == peer)
		entry_write_port(m, slot);
	return 0;
}

// The tables took it: whatever had the number or the peer before has expired.
int peer_put_channel(struct mirror *m, const struct tp_command *c)
{
	uint32_t by_number = find_channel(m, c->allocation, c->channel);
	uint32_t p = peer_find(m, c->allocation, &c->peer.ip, c->peer.port);
	int err;

	if (by_number != MIRROR_NONE && by_number != p)
		drop(m, c->allocation, by_number);
	if (p != MIRROR_NONE && m->peers[p].channel != c->channel) {
		drop(m, c->allocation, p);
		p = MIRROR_NONE;
	}
	if (p == MIRROR_NONE)
		p = make(m, c, c->peer.port, c->channel);
	if (p == MIRROR_NONE)
		return -ENOSPC;
	m->peers[p].expires_ms = c->expires_ms;
	m->peers[p].generation = c->generation;
	err = put_channel_entries(m, c->allocation, p);
	if (err)
		drop(m, c->allocation, p);
	return err;
}

void peer_drop_permission(struct mirror *m, const struct tp_command *c)
{
	uint32_t p = peer_find(m, c->allocation, &c->peer.ip, 0);

	if (p == MIRROR_NONE)
		return;
	drop(m, c->allocation, p);
	refresh_channels(m, c->allocation, &c->peer.ip);
}

void peer_drop_channel(struct mirror *m, uint32_t slot, uint16_t channel)
{
	uint32_t p = find_channel(m, slot, channel);

	if (channel && p != MIRROR_NONE)
		drop(m, slot, p);
}

void peer_sweep(struct mirror *m, uint32_t slot, uint32_t generation)
{
	uint32_t next;

	for (uint32_t p = m->slots[slot].peers; p != MIRROR_NONE; p = next) {
		struct tp_ip ip = m->peers[p].ip;
		bool permission = !m->peers[p].channel;

		next = m->peers[p].next;
		if (m->peers[p].generation == generation)
			continue;
		drop(m, slot, p);
		if (permission)
			refresh_channels(m, slot, &ip);
	}
}

int peer_refresh_all(struct mirror *m, uint32_t slot)
{
	int err = 0;

	for (uint32_t p = m->slots[slot].peers; p != MIRROR_NONE; p = m->peers[p].next) {
		int failed = entry_put_peer(m, slot, p);

		if (!failed && m->peers[p].channel)
			failed = entry_put_channel(m, slot, p);
		err = err ? err : failed;
	}
	return err;
}

void peer_delete_channels(struct mirror *m, uint32_t slot)
{
	for (uint32_t p = m->slots[slot].peers; p != MIRROR_NONE; p = m->peers[p].next)
		if (m->peers[p].channel)
			entry_delete_channel(m, slot, p);
}

void peer_forget_all(struct mirror *m, uint32_t slot)
{
	while (m->slots[slot].peers != MIRROR_NONE) {
		uint32_t p = m->slots[slot].peers;

		entry_delete_peer(m, slot, p);
		forget(m, slot, p);
	}
	m->slots[slot].favourite = MIRROR_NONE;
}
