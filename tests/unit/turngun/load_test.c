// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A whole trial over a wire of memory whose other end does what it is told to some packets: all of it, and
// nothing else, is in the result.

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include <turnpike/ip.h>

#include "../../../dataplane/frame/checksum.h"
#include "front.h"
#include "load.h"
#include "payload.h"

#define PACKET_MAX 2048u
#define QUEUE 4096u
#define RATE 20000u
#define SECONDS 0.25
#define PACKETS 5000u // in that time

struct packet {
	uint8_t bytes[PACKET_MAX];
	uint32_t length;
	struct tp_endpoint source, destination;
	uint64_t sum;
};

// The relay at the wire's other end, as `population` has it, and what it does wrong: to each n-th packet.
struct bad_relay {
	struct wire wire;
	struct population *population;
	uint32_t lose, duplicate, swap, damage, damage_stamp, misdeliver, sum, refuse;
	uint32_t seen, swapped, refused;
	uint64_t slow_ns; // that sending a burst takes
	struct packet queue[QUEUE];
	uint32_t first, count;
	uint8_t out[WIRE_BURST][PACKET_MAX];
};

static bool hits(uint32_t each, uint32_t n)
{
	return each && n % each == each - 1;
}

static bool prepare(struct wire *w, struct departure *d, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		d[i].data = ((struct bad_relay *)w)->out[i];
	return true;
}

static struct packet *push(struct bad_relay *r)
{
	struct packet *p = &r->queue[(r->first + r->count++) % QUEUE];

	cr_assert_leq(r->count, QUEUE);
	memset(p, 0, sizeof(*p));
	return p;
}

// As the stream's receiver is to get it.
static void relay(struct bad_relay *r, const struct departure *d, struct packet *p)
{
	struct front f;
	struct stamp stamp;

	cr_assert(front_read(&f, d->data, d->length));
	memcpy(&stamp, f.data, sizeof(stamp));
	cr_assert_eq(tp_checksum(d->sum), tp_checksum(sum_bytes(d->data, d->length)));

	const struct stream *s = &r->population->stream[stamp.stream];
	const struct expected *e = &r->population->expected[stamp.stream];
	uint32_t front = 0, padding = 0;

	if (s->way != WAY_TO_PEER) {
		front = front_make(p->bytes, (enum form)s->form, e->channel, &e->peer);
		padding = front_finish(p->bytes, front, f.length, 99);
		p->bytes[1] |= s->form == FORM_INDICATION; // Send is 0x0016, Data 0x0017
	}
	memcpy(p->bytes + front, f.data, f.length);
	p->length = front + f.length + padding;
	p->source = e->source;
	p->destination = e->destination;
	p->sum = sum_bytes(p->bytes, p->length);
	if (hits(r->damage, r->seen))
		p->bytes[front + f.length - 1] ^= 0x10;
	if (hits(r->damage_stamp, r->seen))
		p->bytes[front + 5] ^= 0x10;
	if (hits(r->misdeliver, r->seen))
		p->destination.port++;
	p->sum += hits(r->sum, r->seen);
}

static uint32_t transmit(struct wire *w, struct departure *d, uint32_t n)
{
	struct bad_relay *r = (struct bad_relay *)w;

	for (uint64_t until = clock_ns() + r->slow_ns; clock_ns() < until;)
		;
	if (r->refuse && n > 1 && r->refused++ % r->refuse == 0)
		n /= 2;
	for (uint32_t i = 0; i < n; i++, r->seen++) {
		struct packet *p;

		if (hits(r->lose, r->seen))
			continue;
		p = push(r);
		relay(r, &d[i], p);
		if (hits(r->duplicate, r->seen))
			*push(r) = *p;
	}
	return n;
}

static uint32_t receive(struct wire *w, struct arrival *a, bool *more)
{
	struct bad_relay *r = (struct bad_relay *)w;
	uint32_t n = r->count < WIRE_BURST ? r->count : WIRE_BURST;

	for (uint32_t i = 0; i < n; i++) {
		const struct packet *p = &r->queue[(r->first + i) % QUEUE];

		a[i] = (struct arrival){.data = p->bytes,
			.length = p->length,
			.summed = true,
			.sum = p->sum,
			.source = p->source,
			.destination = p->destination};
	}
	// Two neighbours of one burst change places: with one stream both directions' next is two away.
	for (uint32_t i = 0; r->swap && i + 1 < n; i += r->swap) {
		struct arrival other = a[i];

		a[i] = a[i + 1];
		a[i + 1] = other;
		r->swapped++;
	}
	r->first += n;
	r->count -= n;
	*more = n == WIRE_BURST;
	return n;
}

static void release(struct wire *, const struct arrival *, uint32_t)
{
}

static int find(struct wire *, struct path *, uint64_t)
{
	return 0;
}

static struct wire_counters count(const struct wire *)
{
	return (struct wire_counters){0};
}

static const struct wire_ops ops = {.find = find,
	.prepare = prepare,
	.send = transmit,
	.receive = receive,
	.release = release,
	.count = count};

static struct bad_relay *r;
static struct options options;
static struct population population;
static struct load load;
static struct load_way all;

// Clients that each have a relayed address.
static void make(uint32_t clients, uint32_t peers, double indications, double hairpin)
{
	payload_init();
	r = calloc(1, sizeof(*r));
	r->wire.ops = &ops;
	r->population = &population;
	options = (struct options){.clients = clients,
		.peers = peers,
		.channels = 1,
		.indications = indications,
		.hairpin = hairpin,
		.server = {tp_ip4(TP_BE32(0xc6336401)), 3478},
		.clients_from = {{tp_ip4(TP_BE32(0xc000020a)), 1000}, 1},
		.peers_from = {{tp_ip4(TP_BE32(0xcb007101)), 2000}, 1},
		.trial = {.rate = RATE, .seconds = SECONDS, .direction = DIRECTION_BOTH}};
	cr_assert_eq(sizes_parse(&options.trial.sizes, "turn"), 0);
	cr_assert_eq(population_make(&population, &options), 0);
	population_pretend(&population);
	cr_assert_eq(population_make_streams(&population, &r->wire), 0);
}

static void run(void)
{
	load.wire = &r->wire;
	load.population = &population;
	load.trial = &options.trial;
	cr_assert_eq(load_run(&load, SECONDS), 0);
	load_total(&load, &all);
	cr_assert_eq(all.offered, PACKETS);
	// Only a wire that refuses, at the very end, leaves any behind.
	cr_assert(all.unsent == 0 || r->refuse);
	cr_assert_eq(all.sent + all.unsent, PACKETS);
	cr_assert_eq(load.unknown + load.stun, 0);
}

static void setup(void)
{
	make(20, 10, 0.5, 0.5);
}

static void one_flow(void)
{
	make(1, 1, 0, 0);
	options.trial.direction = DIRECTION_TO_PEER;
}

// What is not named is 0.
static void found(uint64_t lost, uint64_t duplicates, uint64_t reordered, uint64_t corrupt,
	uint64_t misdelivered, uint64_t bad_checksum)
{
	cr_assert_eq(load_way_lost(&all), lost, "%lu", load_way_lost(&all));
	cr_assert_eq(all.received, all.sent - lost);
	cr_assert_eq(all.latency.count, all.received);
	cr_assert_eq(all.duplicates, duplicates, "%lu", all.duplicates);
	cr_assert_eq(all.reordered, reordered, "%lu", all.reordered);
	cr_assert_eq(all.corrupt, corrupt, "%lu", all.corrupt);
	cr_assert_eq(all.misdelivered, misdelivered, "%lu", all.misdelivered);
	cr_assert_eq(all.bad_checksum, bad_checksum, "%lu", all.bad_checksum);
}

Test(turngun_load, over_a_faithful_relay_nothing_is_found, .init = setup)
{
	run();
	found(0, 0, 0, 0, 0, 0);
	for (uint32_t i = 0; i < WAYS * FORMS; i++)
		cr_assert(load.way[i / FORMS][i % FORMS].received > 0);
}

Test(turngun_load, losses_are_counted, .init = setup)
{
	r->lose = 50;
	run();
	found(PACKETS / 50, 0, 0, 0, 0, 0);
}

Test(turngun_load, duplicates_are_counted_and_received_once, .init = setup)
{
	r->duplicate = 40;
	run();
	found(0, PACKETS / 40, 0, 0, 0, 0);
}

Test(turngun_load, what_is_overtaken_is_reordered_and_not_lost, .init = one_flow)
{
	r->swap = 3;
	run();
	cr_assert_gt(r->swapped, 0);
	found(0, 0, r->swapped, 0, 0, 0);
}

Test(turngun_load, damaged_data_is_corrupt_and_lost, .init = setup)
{
	r->damage = 25;
	run();
	found(PACKETS / 25, 0, 0, PACKETS / 25, 0, 0);
	cr_assert_eq(load.broken, 0);
}

Test(turngun_load, a_damaged_stamp_is_corrupt_and_nobodys, .init = setup)
{
	r->damage_stamp = 25;
	run();
	found(PACKETS / 25, 0, 0, PACKETS / 25, 0, 0);
	cr_assert_eq(load.broken, PACKETS / 25);
}

Test(turngun_load, what_comes_to_another_port_is_misdelivered, .init = setup)
{
	r->misdeliver = 20;
	run();
	found(PACKETS / 20, 0, 0, 0, PACKETS / 20, 0);
}

Test(turngun_load, a_wrong_checksum_over_sound_data_is_told, .init = setup)
{
	r->sum = 10;
	run();
	found(0, 0, 0, 0, 0, PACKETS / 10);
}

Test(turngun_load, what_the_wire_refuses_is_sent_later_and_leaves_no_hole, .init = setup)
{
	r->refuse = 2;
	run();
	found(0, 0, 0, 0, 0, 0);
}

// Such as AF_XDP, whose sendto() has delivered when it returns: it takes everything, sooner or later.
Test(turngun_load, what_a_slow_wire_would_take_after_the_end_is_unsent, .init = setup)
{
	r->slow_ns = 1000000;
	options.trial.rate = 1000000;
	load.wire = &r->wire;
	load.population = &population;
	load.trial = &options.trial;
	cr_assert_eq(load_run(&load, SECONDS), 0);
	load_total(&load, &all);
	cr_assert_eq(all.offered, 1000000 * SECONDS);
	cr_assert_gt(all.unsent, all.sent);
	cr_assert_eq(load_way_lost(&all), 0);
}

Test(turngun_load, a_second_trial_begins_anew, .init = setup)
{
	r->lose = 50;
	run();
	r->lose = 0;
	run();
	found(0, 0, 0, 0, 0, 0);
}
