// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "fake.h"

#include <errno.h>

const struct xdp_line *fake_find(const struct table *t, const struct tp_ip *ip, uint64_t word)
{
	const struct xdp_line *home = &t->lines[xdp_home(t->hash, ip, word, t->homes)];

	for (uint32_t i = 0; i < XDP_NEAR; i++)
		if (home->near >> i & 1 && home[i].word[0] == ip->q[0] &&
			home[i].word[1] == ip->q[1] && (home[i].word[2] & t->key) == word)
			return &home[i];
	return NULL;
}

const struct xdp_line *fake_client(const struct fake *f, const struct tp_ip *ip, uint64_t word)
{
	return fake_find(&f->clients, ip, word);
}

const struct xdp_line *fake_peer(const struct fake *f, const struct tp_ip *ip, uint64_t word)
{
	return fake_find(&f->peers, ip, word);
}

static uint32_t used(const struct table *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < xdp_lines(t->homes); i++)
		n += t->lines[i].word[2] != 0;
	return n;
}

// What the program may find at any moment.
static void check(const struct fake *f)
{
	for (int i = 0; i < FAKE_CLIENTS + (int)XDP_NEAR - 1; i++) {
		const struct xdp_client *c = &f->client[i].client;
		const struct xdp_port *port;

		if (!f->client[i].word[2])
			continue;
		port = &f->port[xdp_port_index(&f->config, c->relay & ~XDP_HAIRPIN, c->relay_port)];
		cr_assert(gt(u32, port->allocation, 0), "a client before its port");
		if (c->channel >= TP_CHANNEL_MIN) {
			const struct xdp_line *p = fake_peer(
				f, &c->peer, xdp_peer_word(port->allocation, c->peer_port));

			cr_assert(p || f->fail, "a channel before its peer");
			if (p)
				cr_assert(eq(u16, p->peer.channel, c->channel));
		} else {
			cr_assert(eq(u32, port->allocation, c->allocation));
		}
	}
}

static bool fails(struct fake *f)
{
	return f->fail && ++f->calls == f->fail;
}

static struct table *table_of(struct fake *f, enum mirror_table table)
{
	return table == MIRROR_CLIENTS ? &f->clients : &f->peers;
}

static int put(void *context, enum mirror_table table, const struct xdp_line *entry)
{
	const struct tp_ip ip = {.q = {entry->word[0], entry->word[1]}};
	struct fake *f = context;
	struct table *t = table_of(f, table);
	uint32_t most = table == MIRROR_CLIENTS ? f->clients_max : f->peers_max;
	int err;

	if (fails(f) || (!fake_find(t, &ip, entry->word[2] & t->key) && used(t) >= most))
		return -ENOSPC;
	err = table_put(t, entry);
	check(f);
	return err;
}

static void delete (void *context, enum mirror_table table, const struct xdp_line *entry)
{
	struct fake *f = context;

	table_drop(table_of(f, table), entry);
	check(f);
}

static void write_port(void *context, uint32_t port, const struct xdp_port *entry)
{
	struct fake *f = context;

	xdp_port_write(&f->port[port], entry);
	check(f);
}

static uint32_t take_destination(void *context, const struct tp_ip *ip)
{
	struct fake *f = context;
	uint32_t at = 0;

	for (uint32_t i = 1; i < FAKE_DESTINATIONS && i <= f->destinations_max; i++) {
		if (f->destination[i].refs ? tp_ip_equal(&f->destination[i].ip, ip) : !at)
			at = i;
		if (f->destination[i].refs && at == i)
			break;
	}
	if (at) {
		f->destination[at].ip = *ip;
		f->destination[at].refs++;
	}
	return at;
}

static void give_back_destination(void *context, uint32_t destination)
{
	struct fake *f = context;

	cr_assert(gt(u32, f->destination[destination].refs, 0));
	f->destination[destination].refs--;
}

void fake_init(struct fake *f, const struct tp_capabilities *c)
{
	*f = (struct fake){.clients_max = FAKE_CLIENTS,
		.peers_max = PEERS,
		.destinations_max = FAKE_DESTINATIONS - 1};
	f->config.hash = (struct xdp_hash){{0x8c5a1f3d9e6b7a41, 0xb7d3e84c52f91a6b,
		0x3f6d5b29c48e17a5, 0x1c93ad70f26be854, 0xe20b47f5a8391dc6, 0x57f8c6139b0de42a}};
	f->clients = (struct table){f->client, &f->config.hash, XDP_CLIENT_KEY, FAKE_CLIENTS};
	f->peers = (struct table){f->peer, &f->config.hash, XDP_PEER_KEY, PEERS};
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
	const struct mirror_ops ops = {
		put, delete, write_port, take_destination, give_back_destination, f};
	struct mirror *m = NULL;

	cr_assert(eq(int, mirror_create(&m, capabilities, &f->config, &ops), 0));
	return m;
}

uint32_t fake_entries(const struct fake *f)
{
	return used(&f->clients) + used(&f->peers);
}

uint32_t fake_destinations(const struct fake *f)
{
	uint32_t n = 0;

	for (int i = 0; i < FAKE_DESTINATIONS; i++)
		n += f->destination[i].refs;
	return n;
}

// Where a client moves to all of its channels pass up.
static bool moves_here(const struct fake *f, const struct tp_endpoint *client)
{
	for (uint16_t family = TP_IPV4; family <= TP_IPV6; family++) {
		const struct xdp_line *line = fake_client(f, &client->ip,
			xdp_client_word(client->port, family, tp_ip_is4(&client->ip) ? 0 : 1));

		if (line && !line->until)
			return true;
	}
	return false;
}

enum fake_verdict fake_from_client(const struct fake *f, const struct tp_endpoint *client,
	uint16_t channel, uint64_t now, const struct xdp_client **out)
{
	const struct xdp_line *line = fake_client(f, &client->ip,
		xdp_client_word(client->port, channel, tp_ip_is4(&client->ip) ? 0 : 1));

	*out = line ? &line->client : NULL;
	if (!line)
		return channel >= TP_CHANNEL_MIN && moves_here(f, client) ? FAKE_PASS : FAKE_DROP;
	return line->until > xdp_until(now) && !(line->client.relay & XDP_HAIRPIN) ? FAKE_RELAY
										   : FAKE_PASS;
}

enum fake_verdict fake_from_peer(const struct fake *f, uint8_t relay, uint16_t port,
	const struct tp_endpoint *peer, uint64_t now, uint16_t *channel)
{
	const struct xdp_port *p = &f->port[xdp_port_index(&f->config, relay, port)];
	const struct xdp_line *e;
	uint32_t tick = xdp_until(now);

	if (!p->allocation)
		return FAKE_DROP;
	if (p->until <= tick)
		return FAKE_PASS;
	*channel = p->peer.channel;
	if (*channel && p->peer.until > tick && p->peer.port == peer->port &&
		tp_ip_equal(&p->peer.ip, &peer->ip))
		return FAKE_RELAY;
	e = fake_peer(f, &peer->ip, xdp_peer_word(p->allocation, peer->port));
	e = e ? e : fake_peer(f, &peer->ip, xdp_peer_word(p->allocation, 0));
	if (!e)
		return FAKE_DROP;
	*channel = e->peer.channel;
	return e->until > tick ? FAKE_RELAY : FAKE_PASS;
}
