// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// From records to the entries that the program reads. `until` of an entry is the earliest expiry of what it
// depends on, so that the program looks at one clock and one word.

#include "slots.h"

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

// The program keeps no rates: what has one is over for it from the start.
static uint32_t until(const struct mirror_slot *s, uint64_t ms)
{
	return s->limited ? 0 : xdp_until(ms);
}

static enum tp_family relayed_family(const struct mirror *m, const struct mirror_slot *s)
{
	return tp_ip_family(&m->config->relay[s->relay]);
}

static struct xdp_line client_entry(const struct mirror_slot *s, uint16_t channel)
{
	return (struct xdp_line){.client = {.ip = s->client.ip,
					 .port = s->client.port,
					 .channel = channel,
					 .server = s->server,
					 .relay = s->relay,
					 .relay_port = s->relay_port}};
}

static struct xdp_line peer_entry(uint32_t slot, const struct mirror_peer *p)
{
	return (struct xdp_line){.peer = {.ip = p->ip, .allocation = slot + 1, .port = p->port}};
}

// Until when something may go from this peer to the client: never without a permission (RFC 8656 section 9).
static uint32_t peer_until(const struct mirror *m, uint32_t slot, const struct mirror_peer *p)
{
	uint64_t ms = earlier(p->expires_ms, m->slots[slot].expires_ms);
	uint32_t permission = p->channel ? peer_find(m, slot, &p->ip, 0) : MIRROR_NONE;

	if (p->channel)
		ms = permission == MIRROR_NONE ? 0 : earlier(ms, m->peers[permission].expires_ms);
	return until(&m->slots[slot], ms);
}

int entry_put_allocation(struct mirror *m, uint32_t slot)
{
	const struct mirror_slot *s = &m->slots[slot];
	struct xdp_line entry = client_entry(s, (uint16_t)relayed_family(m, s));

	entry.until = until(s, s->expires_ms);
	entry.client.allocation = slot + 1;
	return m->ops.put(m->ops.context, MIRROR_CLIENTS, &entry);
}

void entry_delete_allocation(struct mirror *m, uint32_t slot)
{
	const struct mirror_slot *s = &m->slots[slot];
	struct xdp_line entry = client_entry(s, (uint16_t)relayed_family(m, s));

	m->ops.delete(m->ops.context, MIRROR_CLIENTS, &entry);
}

static struct xdp_line moving_entry(const struct mirror *m, const struct mirror_slot *s)
{
	return (struct xdp_line){.client = {.ip = s->next.ip,
					 .port = s->next.port,
					 .channel = (uint16_t)relayed_family(m, s),
					 .server = s->next_server,
					 .relay = s->relay,
					 .relay_port = s->relay_port}};
}

int entry_put_moving(struct mirror *m, uint32_t slot)
{
	struct xdp_line entry = moving_entry(m, &m->slots[slot]);

	entry.client.allocation = slot + 1;
	return m->ops.put(m->ops.context, MIRROR_CLIENTS, &entry);
}

void entry_delete_moving(struct mirror *m, uint32_t slot)
{
	struct xdp_line entry = moving_entry(m, &m->slots[slot]);

	m->ops.delete(m->ops.context, MIRROR_CLIENTS, &entry);
}

int entry_put_channel(struct mirror *m, uint32_t slot, uint32_t peer)
{
	const struct mirror_slot *s = &m->slots[slot];
	const struct mirror_peer *p = &m->peers[peer];
	const struct tp_endpoint from = {.ip = m->config->relay[s->relay], .port = s->relay_port};
	const struct tp_endpoint to = {.ip = p->ip, .port = p->port};
	struct xdp_line entry = client_entry(s, p->channel);

	entry.until = until(s, earlier(p->expires_ms, s->expires_ms));
	if (p->hairpin)
		entry.client.relay |= XDP_HAIRPIN;
	entry.client.sum = (uint16_t)xdp_sum(&from, &to);
	entry.client.peer = p->ip;
	entry.client.peer_port = p->port;
	entry.client.destination = p->destination;
	return m->ops.put(m->ops.context, MIRROR_CLIENTS, &entry);
}

void entry_delete_channel(struct mirror *m, uint32_t slot, uint32_t peer)
{
	struct xdp_line entry = client_entry(&m->slots[slot], m->peers[peer].channel);

	m->ops.delete(m->ops.context, MIRROR_CLIENTS, &entry);
}

int entry_put_peer(struct mirror *m, uint32_t slot, uint32_t peer)
{
	const struct mirror_peer *p = &m->peers[peer];
	struct xdp_line entry = peer_entry(slot, p);

	entry.until = peer_until(m, slot, p);
	entry.peer.channel = p->channel;
	entry.peer.destination = p->destination;
	entry.peer.hairpin = p->hairpin;
	return m->ops.put(m->ops.context, MIRROR_PEERS, &entry);
}

void entry_delete_peer(struct mirror *m, uint32_t slot, uint32_t peer)
{
	struct xdp_line entry = peer_entry(slot, &m->peers[peer]);

	m->ops.delete(m->ops.context, MIRROR_PEERS, &entry);
}

static uint32_t port_index(const struct mirror *m, const struct mirror_slot *s)
{
	return xdp_port_index(m->config, s->relay, s->relay_port);
}

void entry_write_port(struct mirror *m, uint32_t slot)
{
	const struct mirror_slot *s = &m->slots[slot];
	struct xdp_port port = {.allocation = slot + 1,
		.until = until(s, s->expires_ms),
		.destination = s->destination,
		.client = s->client.ip,
		.client_port = s->client.port,
		.server = s->server,
		.sum = xdp_sum(&m->config->server[s->server], &s->client)};

	if (s->favourite != MIRROR_NONE) {
		const struct mirror_peer *p = &m->peers[s->favourite];

		port.peer.ip = p->ip;
		port.peer.port = p->port;
		port.peer.channel = p->channel;
		port.peer.until = peer_until(m, slot, p);
	}
	m->ops.write_port(m->ops.context, port_index(m, s), &port);
}

void entry_clear_port(struct mirror *m, uint32_t slot)
{
	static const struct xdp_port none;

	m->ops.write_port(m->ops.context, port_index(m, &m->slots[slot]), &none);
}
