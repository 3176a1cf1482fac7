// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Nanoseconds for a packet with a port: a worker of turnpike-dpdk, its real loop, on a port made of two
// rings that the same lcore fills and empties; beside it a macswap over the same rings with the same
// frames. What counts is the difference: what relaying costs above moving packets.
//
//   port_bench [--json] [--allocations N] [--rounds N] [--seconds S]
//
// Nothing is timed but the way from one ring to the other. Before it all frames are made anew, each of an
// allocation drawn at random; after it all are counted, and a sample is compared byte for byte. macswap
// and relay take turns, a batch each. A round's figure is the median of its batches, so that what the
// machine takes away from a batch (other processes, the host) is not in it.

#include <string.h>

#include <rte_cycles.h>
#include <rte_prefetch.h>

#include <turnpike/header.h>

#include "figure.h"
#include "port_frames.h"

#define FRAMES 1024u // in a batch: as many as are under way between rings of the usual size
#define BATCHES 64u // in a round, of each
#define PREFETCH 8u // as the worker does it
#define SAMPLE 16u // every so many frames one is compared
#define FEW 1000u
#define SCENES 4u // few and many, of both families
#define CASES (SCENES * WAYS)

static const char *const name[2][WAYS] = {
	{"IPv4 ChannelData to peer", "IPv4 peer to ChannelData", "IPv4 Send to peer",
		"IPv4 peer to Data"},
	{"IPv6 ChannelData to peer", "IPv6 peer to ChannelData", "IPv6 Send to peer",
		"IPv6 peer to Data"},
};

struct bench {
	struct world world;
	struct rte_mbuf *mbuf[FRAMES];
	uint32_t allocation[FRAMES]; // whose frame it is
};

struct outcome {
	struct figure swap;
	struct figure relay;
	struct figure difference;
};

static void fill(struct bench *b, const struct scene *s, enum way way)
{
	for (uint32_t k = 0; k < FRAMES; k++) {
		b->allocation[k] = draw(s->allocations);
		frame_arrive(b->mbuf[k], s, way, b->allocation[k]);
	}
	if (rte_ring_enqueue_bulk(b->world.in, (void **)b->mbuf, FRAMES, NULL) != FRAMES)
		fail("frames are left over");
}

static void drain(struct bench *b)
{
	if (rte_ring_dequeue_bulk(b->world.out, (void **)b->mbuf, FRAMES, NULL) != FRAMES ||
		!rte_ring_empty(b->world.out))
		fail("not every frame was sent");
}

static void swap(uint8_t *data)
{
	uint8_t mac[RTE_ETHER_ADDR_LEN];

	memcpy(mac, data, sizeof(mac));
	memcpy(data, data + sizeof(mac), sizeof(mac));
	memcpy(data + sizeof(mac), mac, sizeof(mac));
}

static uint64_t run_swap(const struct scene *s)
{
	uint16_t port = s->shared.port[0].id, burst = (uint16_t)s->shared.settings.burst, n;
	uint64_t begin = rte_rdtsc_precise();

	for (uint32_t done = 0; done < FRAMES; done += n) {
		struct rte_mbuf *m[RELAY_BURST];

		n = rte_eth_rx_burst(port, 0, m, burst);
		for (uint16_t i = 0; i < n && i < PREFETCH; i++)
			rte_prefetch0(rte_pktmbuf_mtod(m[i], void *));
		for (uint16_t i = 0; i < n; i++) {
			if (i + PREFETCH < n)
				rte_prefetch0(rte_pktmbuf_mtod(m[i + PREFETCH], void *));
			swap(rte_pktmbuf_mtod(m[i], uint8_t *));
		}
		if (!n || rte_eth_tx_burst(port, 0, m, n) != n)
			fail("macswap lost a frame");
	}
	return rte_rdtsc_precise() - begin;
}

static uint64_t run_relay(const struct scene *s)
{
	uint64_t begin = rte_rdtsc_precise();
	unsigned int n;

	for (uint32_t done = 0; done < FRAMES; done += n) {
		n = worker_turn(s->worker);
		if (!n)
			fail("the worker lost a frame");
	}
	return rte_rdtsc_precise() - begin;
}

static uint64_t relayed(const struct worker *w, enum way way)
{
	enum tp_counter c = way == CHANNEL_TO_PEER || way == SEND_TO_PEER ? TP_C_relayed_to_peer
									  : TP_C_relayed_to_client;

	return tp_counter(&w->agent.out->counters, c) + w->agent.tally.n[c];
}

static void check(const struct bench *b, const struct scene *s, enum way way)
{
	for (uint32_t k = draw(SAMPLE); k < FRAMES; k += SAMPLE)
		if (!frame_left(b->mbuf[k], s, way, b->allocation[k]))
			fail("a frame left wrong");
}

// A relay that has run for a while has heard all peers: their ports' lines know them.
static void introduce_peers(const struct scene *s, enum way way)
{
	struct relay_decision out;

	for (uint32_t i = 0; i < s->allocations; i++) {
		struct relay_from_peer in = {.relay = (uint8_t)(i % RELAYS),
			.port = relay_of(i).port,
			.peer = peer_by(s, way, i)};

		relay_decide_peers(s->worker->agent.relay, &in, &out, 1, s->worker->agent.now);
		if (out.verdict != RELAY_CLIENT)
			fail("a peer is not known");
	}
}

// And all clients: a line's first packet takes it a lease (relay/lease.h), from records that no later one reads.
static void introduce_clients(struct bench *b, const struct scene *s, enum way way)
{
	uint32_t headers = TP_ETHERNET_HEADER + tp_ip_header_length(s->family == TP_IPV4) +
			   TP_UDP_HEADER;
	struct relay_decision out;

	for (uint32_t i = 0; i < s->allocations; i++) {
		struct relay_from_client in = {.client = in_family(client_of(i), s->family)};

		frame_arrive(b->mbuf[0], s, way, i);
		in.data = rte_pktmbuf_mtod(b->mbuf[0], const uint8_t *) + headers;
		in.length = b->mbuf[0]->data_len - headers;
		relay_decide_clients(s->worker->agent.relay, &in, &out, 1, s->worker->agent.now);
		if (out.verdict != RELAY_PEER)
			fail("a client is not known");
	}
}

static void run(struct bench *b, const struct scene *s, enum way way, struct outcome *o, bool count)
{
	static double ns[2][BATCHES];
	double each = 1e9 / (double)rte_get_tsc_hz() / FRAMES;

	if (way == PEER_TO_CHANNEL || way == PEER_TO_INDICATION)
		introduce_peers(s, way);
	else
		introduce_clients(b, s, way);
	for (unsigned int i = 0; i < BATCHES; i++) {
		uint64_t before = relayed(s->worker, way);

		fill(b, s, way);
		ns[0][i] = (double)run_swap(s) * each;
		drain(b);
		fill(b, s, way);
		ns[1][i] = (double)run_relay(s) * each;
		drain(b);
		if (relayed(s->worker, way) - before != FRAMES)
			fail("not every frame was counted as relayed");
		check(b, s, way);
	}
	if (!count)
		return;
	o->swap.value[o->swap.n++] = figure_median(ns[0], BATCHES);
	o->relay.value[o->relay.n++] = figure_median(ns[1], BATCHES);
	o->difference.value[o->difference.n++] = figure_median(ns[1], BATCHES) -
						 figure_median(ns[0], BATCHES);
}

static void show(const char *what, struct figure *f)
{
	double median = figure_median(f->value, f->n);

	printf("   %s %6.1f (%.1f to %.1f)", what, median, f->value[0], f->value[f->n - 1]);
}

// A chain of steps that take a cycle each: what the clock really is. The best of some, of which none is
// likely to be interrupted.
static double clock_mhz(void)
{
	uint64_t steps = 1u << 16, least = UINT64_MAX;

	for (unsigned int i = 0; i < 16; i++) {
		uint64_t begin = rte_rdtsc_precise();

		for (uint64_t left = steps; left; left--)
			__asm__ volatile("" : "+r"(left));
		least = RTE_MIN(least, rte_rdtsc_precise() - begin);
	}
	return (double)steps * (double)rte_get_tsc_hz() / (double)least / 1e6;
}

static void report(struct outcome *o, unsigned int n, struct figure *mhz, bool json)
{
	static struct figure all[3 * CASES + 2];
	struct figure tsc = {.what = "time stamp counter",
		.unit = "MHz",
		.more = true,
		.value = {(double)rte_get_tsc_hz() / 1e6},
		.n = 1};

	if (json) {
		for (unsigned int i = 0; i < n; i++)
			memcpy(&all[3 * i], &o[i], sizeof(o[i]));
		all[3 * n] = *mhz;
		all[3 * n + 1] = tsc;
		figures_report(all, 3 * n + 2, true);
		return;
	}
	printf("TSC %.0f MHz, clock", (double)rte_get_tsc_hz() / 1e6);
	show("", mhz);
	printf(" MHz; ns/packet, medians (and extremes) of %u rounds\n", o->relay.n);
	for (unsigned int i = 0; i < n && o[i].relay.n; i++) {
		printf("%-24s %7u allocations", o[i].relay.what, o[i].relay.flows);
		show("macswap", &o[i].swap);
		show("relay", &o[i].relay);
		show("difference", &o[i].difference);
		printf(" = %.0f cycles\n", figure_median(o[i].difference.value, o[i].difference.n) *
						   (double)rte_get_tsc_hz() / 1e9);
	}
}

int main(int argc, char **argv)
{
	static struct scene scene[SCENES];
	static struct outcome outcome[CASES];
	static struct bench bench;
	static struct figure mhz = {.what = "clock", .unit = "MHz", .more = true};
	struct figure_options o;

	if (!figure_options(argc, argv, "port_bench", &o))
		return 2;
	world_make(&bench.world, FRAMES);
	if (rte_pktmbuf_alloc_bulk(bench.world.plane.shared.pools.frames, bench.mbuf, FRAMES))
		fail("no memory for frames");
	fprintf(stderr, "port_bench: filling the tables\n");
	for (unsigned int i = 0; i < SCENES; i++)
		scene_make(&scene[i], &bench.world, i & 1 ? TP_IPV6 : TP_IPV4,
			i < SCENES / 2 ? FEW : o.allocations);
	for (unsigned int i = 0; i < CASES; i++) {
		const struct scene *s = &scene[i / WAYS];
		struct figure f = {.what = name[s->family == TP_IPV6][i % WAYS],
			.flows = s->allocations,
			.burst = s->shared.settings.burst};

		outcome[i] = (struct outcome){f, f, f};
		outcome[i].swap.side = "macswap";
		outcome[i].relay.side = "relay";
		outcome[i].difference.side = "difference";
	}
	// The first round warms up and isn't counted.
	for (unsigned int k = 0; figure_round(&o, k); k++) {
		if (k)
			mhz.value[mhz.n++] = clock_mhz();
		for (unsigned int i = 0; i < CASES && !figure_late(&o, k); i++)
			run(&bench, &scene[i / WAYS], i % WAYS, &outcome[i], k > 0);
		fprintf(stderr, "\rport_bench: round %u of %u", k, o.rounds);
	}
	fprintf(stderr, "\n");
	report(outcome, CASES, &mhz, o.json);
	for (unsigned int i = 0; i < SCENES; i++)
		scene_free(&scene[i]);
	plane_free(&bench.world.plane);
	return 0;
}
