// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "tables.h"

#define MILLI 1000
#define MILLIBITS (8 * MILLI) // thousandths of bits in a byte
// A bucket holds a second's worth, but at least so many packets, and one datagram of any size.
#define BURST_MS 1000u
#define BURST_PACKETS 10u
#define BURST_BITS (8 * 65536ull)

// No honest sum of shares is above these: so thousandths fit 64 bits.
static uint64_t packets_of(const struct lease_rate *rate)
{
	return rate->packets < UINT32_MAX ? rate->packets : UINT32_MAX;
}

static uint64_t bits_of(const struct lease_rate *rate)
{
	return rate->bits < TP_BITS_PER_SECOND_MAX ? rate->bits : TP_BITS_PER_SECOND_MAX;
}

// Thousandths, as are tokens per millisecond.
static uint64_t burst_of(uint64_t rate, uint64_t least)
{
	return (rate > least ? rate : least) * BURST_MS;
}

static int64_t more(int64_t tokens, uint64_t rate, uint64_t least, uint64_t elapsed_ms)
{
	const int64_t burst = (int64_t)burst_of(rate, least);

	if (elapsed_ms >= BURST_MS && rate >= least)
		return burst;
	tokens += (int64_t)(rate * elapsed_ms);
	return tokens < burst ? tokens : burst;
}

static void fill(struct lease_bucket *b, const struct lease_rate *rate, uint64_t now_ms)
{
	uint64_t elapsed = now_ms - b->at_ms;

	if ((!rate->packets && !rate->bits) || now_ms <= b->at_ms)
		return;
	// By then a bit a second has filled the smallest bucket. One that was never used is full.
	if (elapsed > BURST_BITS * BURST_MS || !b->at_ms)
		elapsed = BURST_BITS * BURST_MS;
	b->packets = more(b->packets, packets_of(rate), BURST_PACKETS, elapsed);
	b->bits = more(b->bits, bits_of(rate), BURST_BITS, elapsed);
	b->at_ms = now_ms;
}

// By its lines and its rate. Only commands come here: it divides.
static void size_lease(struct lease_bucket *b, const struct lease_rate *rate)
{
	const uint64_t part = (uint64_t)LEASE_PART * (b->lines ? b->lines : 1);
	const uint64_t packets = burst_of(packets_of(rate), BURST_PACKETS) / MILLI / part;
	const uint64_t bytes = burst_of(bits_of(rate), BURST_BITS) / MILLIBITS / part;

	b->lease_packets = LEASE_PACKETS;
	b->lease_bytes = LEASE_BYTES;
	if (rate->packets && packets < LEASE_PACKETS)
		b->lease_packets = (uint32_t)packets;
	if (rate->bits && bytes < LEASE_BYTES)
		b->lease_bytes = bytes;
}

static bool has(const struct lease_bucket *b, const struct lease_rate *rate, uint32_t packets,
	uint64_t bytes)
{
	return (!rate->packets || b->packets >= (int64_t)packets * MILLI) &&
	       (!rate->bits || b->bits >= (int64_t)(bytes * MILLIBITS));
}

// What has no limit is not counted.
static void charge(
	struct lease_bucket *b, const struct lease_rate *rate, int64_t packets, int64_t bytes)
{
	if (rate->packets)
		b->packets -= packets * MILLI;
	if (rate->bits)
		b->bits -= bytes * MILLIBITS;
}

// Pays for, or with negative numbers is paid back for, what a line of this slot gets.
static void pay(struct relay *r, uint32_t slot, enum lease_way way, int64_t packets, int64_t bytes)
{
	struct relay_traffic *past = &r->allocations[slot].past;
	struct lease_slot *s = &r->leases[slot];

	if (way == LEASE_TO_PEER) {
		past->to_peer_packets += (uint64_t)packets;
		past->to_peer_bytes += (uint64_t)bytes;
	} else {
		past->to_client_packets += (uint64_t)packets;
		past->to_client_bytes += (uint64_t)bytes;
	}
	charge(&s->bucket[way], &s->own, packets, bytes);
	if (s->of_user) {
		struct lease_user *u = &r->users[s->user];

		charge(&u->bucket[way], &u->rate, packets, bytes);
	}
}

void lease_end(struct relay *r, uint32_t slot, enum lease_way way, uint64_t *lease)
{
	pay(r, slot, way, -(int64_t)lease_packets(*lease), -(int64_t)lease_bytes(*lease));
	*lease = 0;
}

// A whole lease of the smaller bucket's, if the packet fits it.
static bool whole(struct relay *r, const struct lease_slot *s, enum lease_way way, uint32_t length,
	uint32_t *packets, uint64_t *bytes)
{
	const struct lease_bucket *b = &s->bucket[way];
	const struct lease_user *u = &r->users[s->user];

	*packets = b->lease_packets;
	*bytes = b->lease_bytes;
	if (s->of_user && u->bucket[way].lease_packets < *packets)
		*packets = u->bucket[way].lease_packets;
	if (s->of_user && u->bucket[way].lease_bytes < *bytes)
		*bytes = u->bucket[way].lease_bytes;
	return *packets > 1 && *bytes >= length && has(b, &s->own, *packets, *bytes) &&
	       (!s->of_user || has(&u->bucket[way], &u->rate, *packets, *bytes));
}

bool lease_take(
	struct relay *r, uint32_t slot, enum lease_way way, uint32_t length, uint64_t *lease)
{
	struct lease_slot *s = &r->leases[slot];
	struct lease_user *u = &r->users[s->user];
	uint32_t p;
	uint64_t b;

	lease_end(r, slot, way, lease);
	fill(&s->bucket[way], &s->own, r->now_ms);
	if (s->of_user)
		fill(&u->bucket[way], &u->rate, r->now_ms);
	if (!whole(r, s, way, length, &p, &b)) {
		p = 1;
		b = length;
		if (!has(&s->bucket[way], &s->own, p, b) ||
			(s->of_user && !has(&u->bucket[way], &u->rate, p, b)))
			return false;
	}
	pay(r, slot, way, p, (int64_t)b);
	*lease = (b - length) << LEASE_SHIFT | (p - 1);
	return true;
}

void lease_lines(struct relay *r, uint32_t slot, enum lease_way way, int32_t n)
{
	struct lease_slot *s = &r->leases[slot];
	struct lease_user *u = &r->users[s->user];

	s->bucket[way].lines += (uint32_t)n;
	size_lease(&s->bucket[way], &s->own);
	if (!s->of_user)
		return;
	u->bucket[way].lines += (uint32_t)n;
	size_lease(&u->bucket[way], &u->rate);
}

static bool same(const struct lease_rate *a, const struct lease_rate *b)
{
	return a->packets == b->packets && a->bits == b->bits;
}

bool lease_is(const struct relay *r, const struct tp_command *c)
{
	const struct lease_rate own = {c->packets_per_second, c->bits_per_second};
	const struct lease_rate share = {c->user_packets_per_second, c->user_bits_per_second};
	const struct lease_slot *s = &r->leases[c->allocation];

	return same(&s->own, &own) && same(&s->share, &share) && s->user == c->user;
}

// The slot's lines come under its user's rate, or leave it. While a user has no allocation here the bucket stays as
// it is, and has been filling when the next one comes.
static void join_user(struct relay *r, struct lease_slot *s, int32_t sign)
{
	struct lease_user *u = &r->users[s->user];
	const struct lease_rate before = u->rate;

	u->rate.packets += s->share.packets * (uint64_t)sign;
	u->rate.bits += s->share.bits * (uint64_t)sign;
	for (unsigned int way = 0; way < 2; way++) {
		fill(&u->bucket[way], &before, r->now_ms);
		u->bucket[way].lines += s->bucket[way].lines * (uint32_t)sign;
		size_lease(&u->bucket[way], &u->rate);
	}
}

void lease_clear(struct relay *r, uint32_t slot)
{
	struct lease_slot *s = &r->leases[slot];

	if (s->of_user)
		join_user(r, s, -1);
	s->of_user = false;
	s->own = s->share = (struct lease_rate){0};
}

void lease_start(struct relay *r, const struct tp_command *c)
{
	r->leases[c->allocation] = (struct lease_slot){
		.bucket = {[LEASE_TO_PEER].lines = 1, [LEASE_TO_CLIENT].lines = 1}};
	lease_change(r, c);
}

void lease_change(struct relay *r, const struct tp_command *c)
{
	struct lease_slot *s = &r->leases[c->allocation];

	for (unsigned int way = 0; way < 2; way++)
		fill(&s->bucket[way], &s->own, r->now_ms);
	lease_clear(r, c->allocation);
	s->own = (struct lease_rate){c->packets_per_second, c->bits_per_second};
	s->share = (struct lease_rate){c->user_packets_per_second, c->user_bits_per_second};
	s->user = c->user;
	s->of_user = s->share.packets || s->share.bits;
	for (unsigned int way = 0; way < 2; way++)
		size_lease(&s->bucket[way], &s->own);
	if (s->of_user)
		join_user(r, s, 1);
}
