// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "fake.h"

#include <errno.h>

const struct xdp_client *fake_client(const struct fake *f, const struct xdp_client_key *key)
{
	for (int i = 0; i < FAKE_CLIENTS; i++)
		if (f->client[i].used && !memcmp(&f->client[i].key, key, sizeof(*key)))
			return &f->client[i].value;
	return NULL;
}

const struct xdp_peer *fake_peer(const struct fake *f, const struct xdp_peer_key *key)
{
	for (int i = 0; i < PEERS; i++)
		if (f->peer[i].used && !memcmp(&f->peer[i].key, key, sizeof(*key)))
			return &f->peer[i].value;
	return NULL;
}

// What the program may find at any moment.
static void check(const struct fake *f)
{
	for (int i = 0; i < FAKE_CLIENTS; i++) {
		const struct xdp_client_key *key = &f->client[i].key;
		const struct xdp_client *c = &f->client[i].value;
		struct xdp_peer_key to = {
			.ip = c->peer, .allocation = c->allocation, .port = c->peer_port};
		const struct xdp_port *port;

		if (!f->client[i].used)
			continue;
		cr_assert(eq(u64, c->check, xdp_client_check(key, c)));
		port = &f->port[xdp_port_index(&f->config, c->relay, c->relay_port)];
		cr_assert(eq(u32, port->allocation, c->allocation + 1), "a client before its port");
		if (key->channel >= TP_CHANNEL_MIN) {
			const struct xdp_peer *p = fake_peer(f, &to);

			cr_assert(p || f->fail, "a channel before its peer");
			if (p)
				cr_assert(eq(u16, p->channel, key->channel));
		}
	}
	for (int i = 0; i < PEERS; i++)
		if (f->peer[i].used)
			cr_assert(eq(u32, f->peer[i].value.check,
				xdp_peer_check(&f->peer[i].key, &f->peer[i].value)));
}

static bool fails(struct fake *f)
{
	return f->fail && ++f->calls == f->fail;
}

static int put_client(
	void *context, const struct xdp_client_key *key, const struct xdp_client *client)
{
	struct fake *f = context;
	int at = -1, used = 0;

	for (int i = 0; i < FAKE_CLIENTS; i++) {
		used += f->client[i].used;
		if (f->client[i].used ? !memcmp(&f->client[i].key, key, sizeof(*key)) : at < 0)
			at = i;
		if (f->client[i].used && at == i)
			break;
	}
	if (fails(f) || at < 0 || (!f->client[at].used && (uint32_t)used >= f->clients_max))
		return -E2BIG;
	f->client[at].used = true;
	f->client[at].key = *key;
	f->client[at].value = *client;
	check(f);
	return 0;
}

static void delete_client(void *context, const struct xdp_client_key *key)
{
	struct fake *f = context;

	for (int i = 0; i < FAKE_CLIENTS; i++)
		if (!memcmp(&f->client[i].key, key, sizeof(*key)))
			f->client[i].used = false;
	check(f);
}

static int put_peer(void *context, const struct xdp_peer_key *key, const struct xdp_peer *peer)
{
	struct fake *f = context;
	int at = -1, used = 0;

	for (int i = 0; i < PEERS; i++) {
		used += f->peer[i].used;
		if (f->peer[i].used ? !memcmp(&f->peer[i].key, key, sizeof(*key)) : at < 0)
			at = i;
		if (f->peer[i].used && at == i)
			break;
	}
	if (fails(f) || at < 0 || (!f->peer[at].used && (uint32_t)used >= f->peers_max))
		return -E2BIG;
	f->peer[at].used = true;
	f->peer[at].key = *key;
	f->peer[at].value = *peer;
	check(f);
	return 0;
}

static void delete_peer(void *context, const struct xdp_peer_key *key)
{
	struct fake *f = context;

	for (int i = 0; i < PEERS; i++)
		if (!memcmp(&f->peer[i].key, key, sizeof(*key)))
			f->peer[i].used = false;
	check(f);
}

static void write_port(void *context, uint32_t port, const struct xdp_port *entry)
{
	struct fake *f = context;

	xdp_port_write(&f->port[port], entry);
	check(f);
}

static uint32_t take_hop(void *context, const struct tp_ip *ip)
{
	struct fake *f = context;
	uint32_t at = 0;

	for (uint32_t i = 1; i < FAKE_HOPS && i <= f->hops_max; i++) {
		if (f->hop[i].refs ? tp_ip_equal(&f->hop[i].ip, ip) : !at)
			at = i;
		if (f->hop[i].refs && at == i)
			break;
	}
	if (at) {
		f->hop[at].ip = *ip;
		f->hop[at].refs++;
	}
	return at;
}

static void give_back_hop(void *context, uint32_t hop)
{
	struct fake *f = context;

	cr_assert(gt(u32, f->hop[hop].refs, 0));
	f->hop[hop].refs--;
}

void fake_init(struct fake *f, const struct tp_capabilities *c)
{
	*f = (struct fake){
		.clients_max = FAKE_CLIENTS, .peers_max = PEERS, .hops_max = FAKE_HOPS - 1};
	f->config.servers = c->servers;
	f->config.relays = c->relays;
	f->config.port_min = c->port_min;
	f->config.port_max = c->port_max;
	memcpy(f->config.server, c->server, sizeof(c->server));
	for (uint32_t i = 0; i < c->relays; i++) {
		f->config.relay[i] = c->relay[i].local;
		f->config.relay_public[i] = c->relay[i].public_;
	}
}

struct mirror *fake_mirror(struct fake *f, const struct tp_capabilities *capabilities)
{
	const struct mirror_ops ops = {put_client, delete_client, put_peer, delete_peer, write_port,
		take_hop, give_back_hop, f};
	struct mirror *m = NULL;

	cr_assert(eq(int, mirror_create(&m, capabilities, &f->config, &ops), 0));
	return m;
}

uint32_t fake_entries(const struct fake *f)
{
	uint32_t n = 0;

	for (int i = 0; i < FAKE_CLIENTS; i++)
		n += f->client[i].used;
	for (int i = 0; i < PEERS; i++)
		n += f->peer[i].used;
	return n;
}

uint32_t fake_hops(const struct fake *f)
{
	uint32_t n = 0;

	for (int i = 0; i < FAKE_HOPS; i++)
		n += f->hop[i].refs;
	return n;
}

enum fake_verdict fake_from_client(const struct fake *f, const struct tp_endpoint *client,
	uint16_t channel, uint64_t now, const struct xdp_client **out)
{
	struct xdp_client_key key = {.ip = client->ip,
		.port = client->port,
		.channel = channel,
		.server = tp_ip_is4(&client->ip) ? 0 : 1};
	const struct xdp_client *c = fake_client(f, &key);

	*out = c;
	if (!c)
		return FAKE_DROP;
	return c->until > xdp_until(now) && c->target == XDP_NOT_OURS ? FAKE_RELAY : FAKE_PASS;
}

enum fake_verdict fake_from_peer(const struct fake *f, uint8_t relay, uint16_t port,
	const struct tp_endpoint *peer, uint64_t now, uint16_t *channel)
{
	const struct xdp_port *p = &f->port[xdp_port_index(&f->config, relay, port)];
	struct xdp_peer_key key = {
		.ip = peer->ip, .allocation = p->allocation - 1, .port = peer->port};
	const struct xdp_peer *e;
	uint32_t tick = xdp_until(now);

	if (!p->allocation)
		return FAKE_DROP;
	if (p->until <= tick)
		return FAKE_PASS;
	*channel = p->peer.channel;
	if (*channel && p->peer.until > tick && p->peer.port == peer->port &&
		tp_ip_equal(&p->peer.ip, &peer->ip))
		return FAKE_RELAY;
	e = fake_peer(f, &key);
	key.port = 0;
	e = e ? e : fake_peer(f, &key);
	if (!e)
		return FAKE_DROP;
	*channel = e->channel;
	return e->until > tick ? FAKE_RELAY : FAKE_PASS;
}
