// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Nanoseconds for a packet in dataplane/relay/: lookup and decision for ChannelData, in bursts, both
// directions, with few flows and with 1,000,000 that packets hit at random. No I/O.
//
//   relay_bench [--json] [--rounds N] [--seconds S] [--flows N,...] [--bursts N,...]
//
// Each flow has a permission and a channel. Packets draw their flow at random from a pool of headers:
// 8192 for the few, 1,048,576 for the many, where no line must be hot because the pool is small. A burst
// of more than RELAY_BURST is several calls.

#include <string.h>

#include <turnpike/ip.h>

#include "figure.h"
#include "population.h"

#define DATAGRAMS 8192u // pool of ChannelData datagrams
#define DATAGRAM 176u // bytes, header included
#define PACKETS (1u << 20) // in a round
#define FEW 10000u
#define WAYS 2u
#define CASES (SWEEP_MAX * SWEEP_MAX * WAYS)

struct scene {
	struct relay *relay;
	uint32_t flows;
	uint32_t headers; // in the pool, a power of two
	uint8_t *datagrams;
	struct relay_from_client *client;
	struct relay_from_peer *peer;
};

// Datagrams of all the channels that allocations have, in turn.
static void make_datagrams(struct scene *s, uint32_t channels)
{
	s->datagrams = take(DATAGRAMS, DATAGRAM);
	for (uint32_t i = 0; i < DATAGRAMS; i++) {
		uint8_t *d = s->datagrams + i * DATAGRAM;

		tp_put32(d, (TP_CHANNEL_MIN + i % channels) << 16 | (DATAGRAM - TP_CHANNEL_HEADER));
	}
}

static void draw_packets(struct scene *s)
{
	uint32_t allocations = allocations_of(s->flows);
	uint32_t channels = (s->flows + allocations - 1) / allocations;

	make_datagrams(s, channels);
	for (uint32_t k = 0; k < s->headers; k++) {
		uint32_t i = draw(s->flows);
		uint32_t datagram = k % (DATAGRAMS / channels) * channels + i / allocations;

		s->client[k] = (struct relay_from_client){
			.data = s->datagrams + datagram * DATAGRAM,
			.length = DATAGRAM,
			.client = client_of(i % allocations),
		};
		i = draw(s->flows);
		s->peer[k] = (struct relay_from_peer){
			.data = s->datagrams,
			.length = DATAGRAM - TP_CHANNEL_HEADER,
			.relay = (uint8_t)(i % allocations % RELAYS),
			.port = relay_of(i % allocations).port,
			.peer = peer_of(i),
		};
	}
}

static void scene_init(struct scene *s, uint32_t flows)
{
	s->relay = populated_relay(flows);
	s->flows = flows;
	s->headers = flows > FEW ? PACKETS : DATAGRAMS;
	s->client = take(s->headers, sizeof(*s->client));
	s->peer = take(s->headers, sizeof(*s->peer));
	draw_packets(s);
}

static void scene_free(struct scene *s)
{
	relay_destroy(s->relay);
	free(s->datagrams);
	free(s->client);
	free(s->peer);
}

// The caller of the tables reads every decision too: one of its fields, summed.
static double run_clients(const struct scene *s, uint32_t burst)
{
	struct relay_decision out[BURST_MAX];
	uint64_t relayed = 0;
	double start = now_ns();

	for (uint32_t k = 0; k < PACKETS; k += burst) {
		const struct relay_from_client *in = s->client + (k & (s->headers - 1));

		for (uint32_t i = 0; i < burst; i += RELAY_BURST)
			relay_decide_clients(s->relay, in + i, out + i,
				burst < RELAY_BURST ? burst : RELAY_BURST, 1000);
		for (uint32_t i = 0; i < burst; i++)
			relayed += out[i].verdict == RELAY_PEER;
	}
	start = now_ns() - start;
	if (relayed != PACKETS) {
		fprintf(stderr, "relay_bench: not every packet was relayed to a peer\n");
		exit(1);
	}
	return start / PACKETS;
}

static double run_peers(const struct scene *s, uint32_t burst)
{
	struct relay_decision out[BURST_MAX];
	uint64_t relayed = 0;
	double start = now_ns();

	for (uint32_t k = 0; k < PACKETS; k += burst) {
		const struct relay_from_peer *in = s->peer + (k & (s->headers - 1));

		for (uint32_t i = 0; i < burst; i += RELAY_BURST)
			relay_decide_peers(s->relay, in + i, out + i,
				burst < RELAY_BURST ? burst : RELAY_BURST, 1000);
		for (uint32_t i = 0; i < burst; i++)
			relayed += out[i].verdict == RELAY_CLIENT && out[i].front_length == 4;
	}
	start = now_ns() - start;
	if (relayed != PACKETS) {
		fprintf(stderr, "relay_bench: not every packet was relayed to a client\n");
		exit(1);
	}
	return start / PACKETS;
}

int main(int argc, char **argv)
{
	static struct figure figure[CASES];
	static struct scene scene[SWEEP_MAX];
	unsigned int cases = 0;
	struct figure_options o;

	if (!figure_options_sweep(argc, argv, "relay_bench", &o, FLOWS_MAX))
		return 2;
	fprintf(stderr, "relay_bench: filling the tables\n");
	for (unsigned int i = 0; i < o.flows_count; i++)
		scene_init(&scene[i], o.flows[i]);
	for (unsigned int i = 0; i < o.flows_count * o.bursts_count * WAYS; i++)
		figure[cases++] = (struct figure){
			.what = i % WAYS ? "peer to client" : "client to peer",
			.flows = o.flows[i / WAYS / o.bursts_count],
			.burst = o.bursts[i / WAYS % o.bursts_count]};
	// The first round introduces peers to port lines and isn't counted.
	for (unsigned int k = 0; figure_round(&o, k); k++) {
		for (unsigned int i = 0; i < cases && !figure_late(&o, k); i++) {
			const struct scene *s = &scene[i / WAYS / o.bursts_count];
			double ns = i % WAYS ? run_peers(s, figure[i].burst)
					     : run_clients(s, figure[i].burst);

			if (k)
				figure[i].value[figure[i].n++] = ns;
		}
		fprintf(stderr, "\rrelay_bench: round %u of %u", k, o.rounds);
	}
	fprintf(stderr, "\n");
	figures_report(figure, cases, o.json);
	for (unsigned int i = 0; i < o.flows_count; i++)
		scene_free(&scene[i]);
	return 0;
}
