// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Random histories of commands, packets and time, step by step the same in the tables and in the model:
// nothing gets through without a live permission or channel, and everything does with one.

#include "holder.h"
#include "model.h"

#define STEPS 400000

static uint64_t state;
static struct holder holder;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * below >> 32);
}

static struct tp_endpoint some_client(void)
{
	static const char *const ips[] = {"192.0.2.77", "192.0.2.78", "2001:db8:c::1"};

	return ep(ips[draw(3)], (uint16_t)(5000 + draw(2)));
}

static struct tp_endpoint some_peer(void)
{
	static const char *const ips[] = {
		"198.18.1.1", "198.18.1.2", "10.0.0.5", "2001:db8:e::1", "2001:db8:1::1"};

	return ep(ips[draw(5)], (uint16_t)(6000 + draw(2)));
}

// A refresh as often as not: of all that could be drawn anew, hardly one would be.
static void some_allocation(const struct model *m, struct tp_command *c)
{
	const struct model_allocation *a = &m->allocation[c->allocation];

	if (a->used && draw(2)) {
		const bool arrives = a->moving && draw(2);

		c->client = arrives ? a->next : a->client;
		c->server = arrives ? a->next_server : a->server;
		c->relay = a->relay;
		c->relay_port = a->port;
		return;
	}
	c->client = some_client();
	c->server = tp_ip_is4(&c->client.ip) ? 0 : 1;
	c->relay = (uint8_t)draw(3);
	c->relay_port = (uint16_t)(PORT_MIN + draw(4));
}

static struct tp_command some_command(const struct model *m, uint64_t now)
{
	struct tp_command c = {
		.kind = (uint16_t)(1 + draw(7)),
		.allocation = draw(ALLOCATIONS),
		.generation = draw(3),
		.expires_ms = now + draw(200) * TICK / 4,
	};

	// A sweep is seldom, so that there is something to sweep.
	if (c.kind == TP_SWEEP)
		c.kind = TP_MOVE_ALLOCATION;
	if (!draw(400))
		c.kind = TP_SWEEP;
	switch (c.kind) {
	case TP_PUT_ALLOCATION:
		some_allocation(m, &c);
		break;
	case TP_MOVE_ALLOCATION:
		c.client = some_client();
		c.server = tp_ip_is4(&c.client.ip) ? 0 : 1;
		break;
	case TP_PUT_PERMISSION:
	case TP_DROP_PERMISSION:
		c.peer = some_peer();
		c.peer.port = 0;
		break;
	case TP_PUT_CHANNEL:
		c.peer = some_peer();
		c.channel = (uint16_t)(CHANNEL + draw(3));
		break;
	case TP_DROP_CHANNEL:
		c.channel = (uint16_t)(CHANNEL + draw(3));
		break;
	}
	return c;
}

static struct model_allocation *of_client(struct model *m, struct tp_endpoint client, bool six)
{
	for (int i = 0; i < ALLOCATIONS; i++) {
		struct model_allocation *a = &m->allocation[i];

		if (model_in_place(a, &client, tp_ip_is4(&client.ip) ? 0 : 1, six))
			return a;
	}
	return NULL;
}

static void check_channel(struct relay *r, struct model *m, uint64_t now)
{
	struct tp_endpoint client = some_client();
	uint16_t number = (uint16_t)(CHANNEL + draw(3));
	struct relay_decision d = on_channel(r, client, number, now);
	struct model_peer *p = NULL;

	// What is there already goes before what moves there, which has its channels under where it was.
	for (int way = 0; way < 4 && !p; way++) {
		struct model_allocation *a = of_client(m, client, way % 2);

		if (a && model_same(&a->client, &client) == (way < 2))
			p = model_channel(m, (uint32_t)(a - m->allocation), number);
	}
	if (!p) {
		cr_dropped(d, channel_unbound);
	} else if (!model_live(m->allocation[p->slot].expires, now)) {
		cr_dropped(d, client_expired);
	} else if (!model_live(p->expires, now)) {
		cr_dropped(d, channel_unbound);
	} else {
		bool own = p->peer.ip.b[0] == 0x20 ? p->peer.ip.b[5] == 1 : p->peer.ip.b[12] == 10;

		cr_assert(eq(int, d.verdict, own ? RELAY_HAIRPIN : RELAY_PEER));
		cr_assert(eq(u32, d.allocation, p->slot));
		cr_assert(eq(int, d.port, m->allocation[p->slot].port));
		cr_assert(eq(int, d.relay, m->allocation[p->slot].relay));
		cr_assert(eq(u32, d.destination, own ? 0 : holder_of(&holder, &d.to)));
		cr_endpoint(d.to, p->peer);
	}
}

static void check_send(struct relay *r, struct model *m, uint64_t now)
{
	struct tp_endpoint client = some_client(), peer = some_peer();
	struct tp_endpoint ip = {.ip = peer.ip};
	bool six = !tp_ip_is4(&peer.ip);
	struct relay_decision d = by_send(r, client, peer, now);
	struct model_allocation *a = of_client(m, client, six);
	struct model_peer *p = a ? model_find(m, (uint32_t)(a - m->allocation), ip) : NULL;

	if (!a && of_client(m, client, !six)) {
		cr_dropped(d, send_invalid_peer);
	} else if (!a) {
		cr_dropped(d, send_no_allocation);
	} else if (!model_live(a->expires, now)) {
		cr_dropped(d, client_expired);
	} else if (!p || !model_live(p->expires, now)) {
		cr_dropped(d, send_no_permission);
	} else {
		cr_assert(d.verdict == RELAY_PEER || d.verdict == RELAY_HAIRPIN);
		cr_assert(eq(u32, d.allocation, (uint32_t)(a - m->allocation)));
		cr_endpoint(d.to, peer);
		cr_assert(eq(u32, d.destination, holder_of(&holder, &peer)));
	}
}

static void check_peer(struct relay *r, struct model *m, uint64_t now)
{
	struct tp_endpoint peer = some_peer(), ip = {.ip = peer.ip};
	uint8_t relay = (uint8_t)draw(3);
	uint16_t port = (uint16_t)(PORT_MIN + draw(4));
	struct relay_decision d = from_peer(r, relay, port, peer, 7, now);
	struct model_allocation *a = NULL;
	struct model_peer *p, *c;

	for (int i = 0; i < ALLOCATIONS; i++)
		if (m->allocation[i].used && m->allocation[i].relay == relay &&
			m->allocation[i].port == port)
			a = &m->allocation[i];
	if (!a) {
		cr_dropped(d, peer_no_allocation);
		return;
	}
	if (!model_live(a->expires, now)) {
		cr_dropped(d, peer_expired);
		return;
	}
	p = model_find(m, (uint32_t)(a - m->allocation), ip);
	if (!p || !model_live(p->expires, now)) {
		cr_dropped(d, peer_no_permission);
		return;
	}
	c = model_find(m, (uint32_t)(a - m->allocation), peer);
	cr_assert(eq(int, d.verdict, RELAY_CLIENT));
	cr_endpoint(d.to, a->client);
	cr_assert(eq(u32, d.destination, holder_of(&holder, &a->client)));
	if (c && model_live(c->expires, now)) {
		cr_assert(eq(int, d.front_length, 4));
		cr_assert(eq(int, d.front[0] << 8 | d.front[1], c->channel));
	} else {
		cr_assert(eq(int, d.front_length, tp_ip_is4(&peer.ip) ? 36 : 48));
	}
}

static void run(uint64_t seed)
{
	struct relay *r = small_relay();
	struct model m = {0};
	uint64_t now = T0;
	unsigned int done[TP_STATUS_COUNT] = {0};

	holder = (struct holder){.room = HOLDER_ADDRESSES};
	relay_on_destinations(r, holder_take, holder_give_back, &holder);
	state = seed;
	for (int step = 0; step < STEPS; step++) {
		struct tp_command c = some_command(&m, now);
		enum tp_status expected = model_apply(&m, &c, now);

		cr_assert(eq(int, relay_apply(r, &c, now), expected), "seed %#lx, step %d, kind %u",
			(unsigned long)seed, step, c.kind);
		done[expected]++;
		cr_assert(eq(u32, holder_held(&holder), model_destinations(&m)));
		check_channel(r, &m, now);
		check_send(r, &m, now);
		check_peer(r, &m, now);
		check_peer(r, &m, now);
		now += draw(TICK / 2);
	}
	// The history has been everywhere.
	cr_assert(gt(u32, done[TP_STATUS_OK], 1000));
	cr_assert(gt(u32, done[TP_STATUS_PORT_TAKEN], 1000));
	cr_assert(gt(u32, done[TP_STATUS_CONFLICT], 1000));
	cr_assert(gt(u32, done[TP_STATUS_NO_ALLOCATION], 1000));
	cr_assert(gt(u32, done[TP_STATUS_INVALID], 1000));
	for (uint32_t i = 0; i < ALLOCATIONS; i++)
		apply(r, (struct tp_command){.kind = TP_DROP_ALLOCATION, .allocation = i});
	cr_assert(gt(u32, holder.taken, 1000));
	cr_assert(eq(u32, holder_held(&holder), 0));
	relay_destroy(r);
}

TestSuite(history, .timeout = 60);

Test(history, tables_and_model_agree_at_every_step)
{
	run(0x5eed);
}

Test(history, tables_and_model_agree_at_every_step_of_another)
{
	run(0xfeedbeef);
}

Test(history, commands_of_random_bytes_break_nothing)
{
	struct relay *r = small_relay();
	struct relay_usage u;

	holder = (struct holder){.room = 10};
	relay_on_destinations(r, holder_take, holder_give_back, &holder);
	state = 0xbadc0de;
	for (int step = 0; step < STEPS; step++) {
		struct tp_command c;
		uint8_t *b = (uint8_t *)&c;

		for (size_t i = 0; i < sizeof(c); i++)
			b[i] = (uint8_t)draw(256);
		// Some fields in bounds, or nearly nothing would get past the first check.
		if (draw(4))
			c.kind = (uint16_t)draw(10);
		if (draw(4))
			c.allocation = draw(ALLOCATIONS + 1);
		if (draw(4))
			c.channel = (uint16_t)(CHANNEL + draw(0x1000));
		if (draw(4)) {
			c.client = some_client();
			c.peer = some_peer();
			c.server = tp_ip_is4(&c.client.ip) ? 0 : 1;
			c.relay = (uint8_t)draw(4);
			c.transport = (uint8_t)draw(2);
			c.relay_port = (uint16_t)(PORT_MIN - 1 + draw(18));
			c.user = draw(tp_users_for(ALLOCATIONS) + 1);
			c.bits_per_second >>= draw(64);
			c.user_bits_per_second >>= draw(64);
		}
		cr_assert(lt(int, relay_apply(r, &c, T0), TP_STATUS_COUNT));
		u = usage(r);
		cr_assert(le(u32, u.allocations, ALLOCATIONS));
		cr_assert(le(u32, u.permissions + u.channels, PEERS));
	}
	apply(r, (struct tp_command){.kind = TP_SWEEP, .generation = 1});
	for (uint32_t i = 0; i < ALLOCATIONS; i++)
		apply(r, (struct tp_command){.kind = TP_DROP_ALLOCATION, .allocation = i});
	u = usage(r);
	cr_assert(eq(u32, u.allocations + u.permissions + u.channels, 0));
	cr_assert(gt(u32, holder.taken, 1000));
	cr_assert(eq(u32, holder_held(&holder), 0));
	relay_destroy(r);
}
