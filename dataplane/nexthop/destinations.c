// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "nexthops.h"

static uint32_t *bucket_of(struct nexthops *n, const struct tp_ip *ip)
{
	return &n->destination_bucket[hash_address(&n->key, ip, 0) & (n->destination_buckets - 1)];
}

static uint32_t take_free(struct nexthops *n)
{
	uint32_t d = n->destinations_free;

	if (d) {
		n->destinations_free = n->destinations[d].chained;
		return d;
	}
	return n->destinations_fresh <= n->destinations_capacity ? n->destinations_fresh++ : 0;
}

static void give_free(struct nexthops *n, uint32_t d)
{
	n->destinations[d] = (struct destination){.chained = n->destinations_free};
	n->destinations_free = d;
}

static struct queue *queue_of(struct nexthops *n, enum destination_queued queue)
{
	return queue == QUEUED_NEW ? &n->new : &n->again;
}

void destination_enqueue(struct nexthops *n, uint32_t d, enum destination_queued queue)
{
	struct queue *q = queue_of(n, queue);

	if (n->destinations[d].queued)
		return;
	n->destinations[d].queued = (uint8_t)queue;
	n->destinations[d].queue = 0;
	n->destinations[d].queue_before = q->first ? q->last : 0;
	if (q->first)
		n->destinations[q->last].queue = d;
	else
		q->first = d;
	q->last = d;
}

static void take_out(struct nexthops *n, uint32_t d)
{
	struct destination *out = &n->destinations[d];
	struct queue *q = queue_of(n, out->queued);

	if (out->queue)
		n->destinations[out->queue].queue_before = out->queue_before;
	else
		q->last = out->queue_before;
	if (out->queue_before)
		n->destinations[out->queue_before].queue = out->queue;
	else
		q->first = out->queue;
	out->queued = QUEUED_NOT;
}

uint32_t destination_dequeue(struct nexthops *n, enum destination_queued queue)
{
	uint32_t d = queue_of(n, queue)->first;

	if (d)
		take_out(n, d);
	return d;
}

uint32_t destination_find_or_make(struct nexthops *n, const struct tp_ip *ip)
{
	uint32_t *bucket = bucket_of(n, ip);
	uint32_t d;

	for (d = *bucket; d; d = n->destinations[d].chained) {
		if (tp_ip_equal(&n->destinations[d].ip, ip)) {
			n->destinations[d].refs++;
			return d;
		}
	}
	d = take_free(n);
	if (!d)
		return 0;
	n->destinations[d] = (struct destination){.ip = *ip, .refs = 1, .chained = *bucket};
	*bucket = d;
	n->status.destinations++;
	destination_enqueue(n, d, QUEUED_NEW);
	return d;
}

void destination_free(struct nexthops *n, uint32_t d)
{
	uint32_t *at = bucket_of(n, &n->destinations[d].ip);

	while (*at != d)
		at = &n->destinations[*at].chained;
	*at = n->destinations[d].chained;
	destination_serve(n, d, HOP_NONE);
	destination_want(n, d, HOP_NONE);
	n->status.destinations--;
	if (n->destinations[d].queued)
		take_out(n, d);
	give_free(n, d);
}

static bool unsettled(const struct nexthops *n, uint32_t d)
{
	return n->destinations[d].wanted != HOP_NONE && n->destinations[d].wanted != n->word[d];
}

void destination_want(struct nexthops *n, uint32_t d, uint32_t hop)
{
	uint32_t old = n->destinations[d].wanted;

	n->status.unsettled -= unsettled(n, d);
	n->destinations[d].wanted = (uint16_t)hop;
	n->status.unsettled += unsettled(n, d);
	hop_give_back(n, old);
}

void destination_serve(struct nexthops *n, uint32_t d, uint32_t hop)
{
	uint32_t old = n->word[d];

	n->status.unsettled -= unsettled(n, d);
	__atomic_store_n(&n->word[d], (uint16_t)hop, __ATOMIC_RELEASE);
	n->status.unsettled += unsettled(n, d);
	if (old != hop) {
		__atomic_fetch_add(&n->generation, 1, __ATOMIC_RELEASE);
		if (n->listener.destination)
			n->listener.destination(n->listener.context, d, (uint16_t)hop);
	}
	hop_give_back(n, old);
}

void destination_settle(struct nexthops *n, uint32_t d)
{
	uint32_t wanted = n->destinations[d].wanted;

	if (!unsettled(n, d))
		return;
	if (hop_state(n, wanted) == NEXTHOP_RESOLVING && hop_state(n, n->word[d]) == NEXTHOP_READY)
		return;
	if (wanted >= HOP_FIRST)
		n->hops[wanted].refs++;
	destination_serve(n, d, wanted);
}
