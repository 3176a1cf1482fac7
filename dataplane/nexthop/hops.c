// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The next hops: made when a destination first wants one, freed by the thread when none does any more.

#include "nexthops.h"

static uint16_t *bucket_of(struct nexthops *n, uint8_t port, const struct tp_ip *gateway)
{
	return &n->hop_bucket[hash_address(&n->key, gateway, 1u + port) & (HOPS - 1)];
}

enum nexthop_state hop_state(const struct nexthops *n, uint32_t hop)
{
	struct nexthop now;

	entry_read(&n->entry[hop], &now);
	return now.state;
}

static void write(struct nexthops *n, uint32_t hop, const struct nexthop *now)
{
	entry_write(&n->entry[hop], now);
	if (n->listener.hop)
		n->listener.hop(n->listener.context, (uint16_t)hop, now);
}

// Writes the entry, `mac` NULL: without a link-layer address.
static void publish(struct nexthops *n, uint32_t hop, enum nexthop_state state, const uint8_t *mac)
{
	const struct hop *h = &n->hops[hop];
	const struct port *port = &n->port[h->port];
	struct nexthop now, next = {
				    .mtu = h->mtu,
				    .port = h->port,
				    .state = (uint8_t)state,
			    };

	if (mac) {
		next.l2_length = 14;
		memcpy(next.l2, mac, 6);
		memcpy(next.l2 + 6, port->mac, 6);
	}
	entry_read(&n->entry[hop], &now);
	if (memcmp(&now, &next, sizeof(now)) == 0)
		return;
	n->settle = n->settle || now.state != next.state;
	write(n, hop, &next);
	__atomic_fetch_add(&n->generation, 1, __ATOMIC_RELEASE);
}

static uint32_t take_free(struct nexthops *n)
{
	uint32_t hop = n->hops_free.first;

	// A reader may hold the number of one freed just now: the longest free goes first.
	if (n->hops_fresh < HOPS)
		return n->hops_fresh++;
	if (hop) {
		n->hops_free.first = n->hops[hop].queue;
	}
	return hop;
}

static void append(struct nexthops *n, struct queue *q, uint32_t hop)
{
	n->hops[hop].queue = 0;
	if (q->first)
		n->hops[q->last].queue = (uint16_t)hop;
	else
		q->first = hop;
	q->last = hop;
}

static uint32_t find_or_make(struct nexthops *n, const struct hop *like)
{
	uint16_t *bucket = bucket_of(n, like->port, &like->gateway);
	uint32_t hop;

	for (hop = *bucket; hop; hop = n->hops[hop].chained) {
		struct hop *h = &n->hops[hop];

		if (tp_ip_equal(&h->gateway, &like->gateway) && h->port == like->port &&
			h->mtu == like->mtu) {
			h->refs++;
			return hop;
		}
	}
	hop = take_free(n);
	if (!hop) {
		n->status.full++;
		return HOP_LOST;
	}
	n->hops[hop] = *like;
	n->hops[hop].refs = 1;
	n->hops[hop].used = true;
	n->hops[hop].chained = *bucket;
	*bucket = (uint16_t)hop;
	n->status.hops++;
	return hop;
}

uint32_t hop_take(struct nexthops *n, uint8_t port, const struct tp_ip *gateway, uint16_t mtu)
{
	const struct hop like = {.gateway = *gateway, .mtu = mtu, .port = port};
	uint32_t hop = find_or_make(n, &like);

	if (hop >= HOP_FIRST && hop_state(n, hop) == NEXTHOP_FREE) {
		publish(n, hop, n->port[port].running ? NEXTHOP_RESOLVING : NEXTHOP_UNREACHABLE,
			NULL);
		hop_look(n, hop);
	}
	return hop;
}

void hop_give_back(struct nexthops *n, uint32_t hop)
{
	if (hop >= HOP_FIRST && --n->hops[hop].refs == 0)
		hop_look(n, hop);
}

void hop_look(struct nexthops *n, uint32_t hop)
{
	if (n->hops[hop].queued)
		return;
	n->hops[hop].queued = true;
	append(n, &n->hops_look, hop);
}

bool hop_shared(const struct nexthops *n, uint32_t hop)
{
	const struct hop *h = &n->hops[hop];
	uint32_t other = *bucket_of((struct nexthops *)n, h->port, &h->gateway);

	for (; other; other = n->hops[other].chained) {
		const struct hop *o = &n->hops[other];

		if (other != hop && o->refs && o->port == h->port &&
			tp_ip_equal(&o->gateway, &h->gateway))
			return true;
	}
	return false;
}

void hop_remove(struct nexthops *n, uint32_t hop)
{
	uint16_t *at = bucket_of(n, n->hops[hop].port, &n->hops[hop].gateway);

	while (*at != hop)
		at = &n->hops[*at].chained;
	*at = n->hops[hop].chained;
	n->hops[hop].used = false;
}

void hop_free(struct nexthops *n, uint32_t hop)
{
	const struct nexthop none = {.state = NEXTHOP_FREE};

	write(n, hop, &none);
	n->hops[hop] = (struct hop){0};
	n->status.hops--;
	append(n, &n->hops_free, hop);
}

// What was ready goes on serving while the kernel looks for its neighbour anew.
static void heard(struct nexthops *n, uint32_t hop, const struct rtnl_neighbour *neighbour)
{
	n->hops[hop].fixed = neighbour->nud & RTNL_NUD_FIXED;
	if (neighbour->nud & RTNL_NUD_VALID)
		publish(n, hop, NEXTHOP_READY, neighbour->mac);
	else if (neighbour->nud & RTNL_NUD_FAILED)
		publish(n, hop, NEXTHOP_UNREACHABLE, NULL);
	else if (!neighbour->nud)
		hop_look(n, hop);
}

void hop_neighbour(struct nexthops *n, uint8_t port, const struct rtnl_neighbour *neighbour)
{
	uint32_t hop = *bucket_of(n, port, &neighbour->ip);

	for (; hop && n->port[port].running; hop = n->hops[hop].chained) {
		const struct hop *h = &n->hops[hop];

		if (h->refs && h->port == port && tp_ip_equal(&h->gateway, &neighbour->ip))
			heard(n, hop, neighbour);
	}
}

uint32_t hops_part(struct nexthops *n, uint32_t from, hop_visit_fn *visit, uint8_t port)
{
	uint32_t end = from + HOPS_EACH < n->hops_fresh ? from + HOPS_EACH : n->hops_fresh;

	for (uint32_t hop = from; hop < end; hop++)
		if (n->hops[hop].used)
			visit(n, hop, port);
	return end < n->hops_fresh ? end : 0;
}

void hops_walk(struct nexthops *n, hop_visit_fn *visit, uint8_t port)
{
	uint32_t from = HOP_FIRST;

	while (from) {
		nexthops_lock(n);
		from = hops_part(n, from, visit, port);
		pthread_mutex_unlock(&n->lock);
	}
}

void hop_port_changed(struct nexthops *n, uint32_t hop, uint8_t port)
{
	if (n->hops[hop].port != port)
		return;
	if (!n->port[port].running) {
		publish(n, hop, NEXTHOP_UNREACHABLE, NULL);
	} else {
		publish(n, hop, NEXTHOP_RESOLVING, NULL);
		hop_look(n, hop);
	}
}
