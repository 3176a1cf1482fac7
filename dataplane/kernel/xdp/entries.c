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

static enum tp_family relayed_family(const struct mirror *m, const struct mirror_slot *s)
{
	return tp_ip_family(&m->config->relay[s->relay]);
}

static struct xdp_client_key client_key(const struct mirror_slot *s, uint16_t channel)
{
	return (struct xdp_client_key){.ip = s->client.ip,
		.port = s->client.port,
		.channel = channel,
		.server = s->server};
}

static struct xdp_peer_key peer_key(uint32_t slot, const struct mirror_peer *p)
{
	return (struct xdp_peer_key){.ip = p->ip, .allocation = slot, .port = p->port};
}

// Until when something may go from this peer to the client: never without a permission (RFC 8656 section 9).
static uint32_t peer_until(const struct mirror *m, uint32_t slot, const struct mirror_peer *p)
{
	uint64_t ms = earlier(p->expires_ms, m->slots[slot].expires_ms);
	uint32_t permission = p->channel ? peer_find(m, slot, &p->ip, 0) : MIRROR_NONE;

	if (p->channel)
		ms = permission == MIRROR_NONE ? 0 : earlier(ms, m->peers[permission].expires_ms);
	return xdp_until(ms);
}

int entry_put_allocation(struct mirror *m, uint32_t slot)
{
	const struct mirror_slot *s = &m->slots[slot];
	struct xdp_client_key key = client_key(s, (uint16_t)relayed_family(m, s));
	struct xdp_client client = {.relay_port = s->relay_port,
		.relay = s->relay,
		.target = XDP_NOT_OURS,
		.until = xdp_until(s->expires_ms),
		.allocation = slot};

	client.check = xdp_client_check(&key, &client);
	return m->ops.put_client(m->ops.context, &key, &client);
}

void entry_delete_allocation(struct mirror *m, uint32_t slot)
{
	const struct mirror_slot *s = &m->slots[slot];
	struct xdp_client_key key = client_key(s, (uint16_t)relayed_family(m, s));

	m->ops.delete_client(m->ops.context, &key);
}

int entry_put_channel(struct mirror *m, uint32_t slot, uint32_t peer)
{
	const struct mirror_slot *s = &m->slots[slot];
	const struct mirror_peer *p = &m->peers[peer];
	struct xdp_client_key key = client_key(s, p->channel);
	const struct tp_endpoint from = {.ip = m->config->relay[s->relay], .port = s->relay_port};
	const struct tp_endpoint to = {.ip = p->ip, .port = p->port};
	struct xdp_client client = {.peer = p->ip,
		.peer_port = p->port,
		.relay_port = s->relay_port,
		.relay = s->relay,
		.target = p->target,
		.until = xdp_until(earlier(p->expires_ms, s->expires_ms)),
		.allocation = slot,
		.hop = p->hop,
		.sum = xdp_sum(&from, &to)};

	client.check = xdp_client_check(&key, &client);
	return m->ops.put_client(m->ops.context, &key, &client);
}

void entry_delete_channel(struct mirror *m, uint32_t slot, uint32_t peer)
{
	struct xdp_client_key key = client_key(&m->slots[slot], m->peers[peer].channel);

	m->ops.delete_client(m->ops.context, &key);
}

int entry_put_peer(struct mirror *m, uint32_t slot, uint32_t peer)
{
	const struct mirror_peer *p = &m->peers[peer];
	struct xdp_peer_key key = peer_key(slot, p);
	struct xdp_peer entry = {.until = peer_until(m, slot, p),
		.channel = p->channel,
		.target = p->target,
		.hop = p->hop};

	entry.check = xdp_peer_check(&key, &entry);
	return m->ops.put_peer(m->ops.context, &key, &entry);
}

void entry_delete_peer(struct mirror *m, uint32_t slot, uint32_t peer)
{
	struct xdp_peer_key key = peer_key(slot, &m->peers[peer]);

	m->ops.delete_peer(m->ops.context, &key);
}

static uint32_t port_index(const struct mirror *m, const struct mirror_slot *s)
{
	return xdp_port_index(m->config, s->relay, s->relay_port);
}

void entry_write_port(struct mirror *m, uint32_t slot)
{
	const struct mirror_slot *s = &m->slots[slot];
	struct xdp_port port = {.allocation = slot + 1,
		.until = xdp_until(s->expires_ms),
		.hop = s->hop,
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
