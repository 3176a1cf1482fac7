// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Nanoseconds for a packet in dataplane/relay/: lookup and decision for ChannelData, in bursts of 32,
// both directions, with few allocations and with 1,000,000 that packets hit at random. No I/O.
//
//   relay_bench [--json] [--allocations N] [--rounds N]
//
// Each allocation has a permission and a channel. Packets draw their allocation at random from a pool of
// headers: 8192 for the few, 1,048,576 for the many, where no line must be hot because the pool is small.

#include <string.h>

#include "figure.h"
#include "population.h"

#define BURST 32u
#define DATAGRAMS 8192u // pool of ChannelData datagrams
#define DATAGRAM 176u // bytes, header included
#define PACKETS (1u << 20) // in a round
#define FEW 1000u

struct scene {
	struct relay *relay;
	uint32_t allocations;
	uint32_t headers; // in the pool, a power of two
	struct relay_from_client *client;
	struct relay_from_peer *peer;
};

static void draw_packets(struct scene *s, const uint8_t *pool)
{
	for (uint32_t k = 0; k < s->headers; k++) {
		uint32_t i = draw(s->allocations);

		s->client[k] = (struct relay_from_client){
			.data = pool + (k % DATAGRAMS) * DATAGRAM,
			.length = DATAGRAM,
			.client = client_of(i),
		};
		i = draw(s->allocations);
		s->peer[k] = (struct relay_from_peer){
			.data = pool,
			.length = DATAGRAM - TP_CHANNEL_HEADER,
			.relay = (uint8_t)(i % RELAYS),
			.port = relay_of(i).port,
			.peer = peer_of(i),
		};
	}
}

static void scene_init(struct scene *s, uint32_t allocations, const uint8_t *pool)
{
	s->relay = populated_relay(allocations);
	s->allocations = allocations;
	s->headers = allocations > FEW ? PACKETS : DATAGRAMS;
	s->client = take(s->headers, sizeof(*s->client));
	s->peer = take(s->headers, sizeof(*s->peer));
	draw_packets(s, pool);
}

// The caller of the tables reads every decision too: one of its fields, summed.
static double run_clients(const struct scene *s)
{
	struct relay_decision out[BURST];
	uint64_t relayed = 0;
	double start = now_ns();

	for (uint32_t k = 0; k < PACKETS; k += BURST) {
		relay_decide_clients(
			s->relay, s->client + (k & (s->headers - 1)), out, BURST, 1000);
		for (uint32_t i = 0; i < BURST; i++)
			relayed += out[i].verdict == RELAY_PEER;
	}
	start = now_ns() - start;
	if (relayed != PACKETS) {
		fprintf(stderr, "relay_bench: not every packet was relayed to a peer\n");
		exit(1);
	}
	return start / PACKETS;
}

static double run_peers(const struct scene *s)
{
	struct relay_decision out[BURST];
	uint64_t relayed = 0;
	double start = now_ns();

	for (uint32_t k = 0; k < PACKETS; k += BURST) {
		relay_decide_peers(s->relay, s->peer + (k & (s->headers - 1)), out, BURST, 1000);
		for (uint32_t i = 0; i < BURST; i++)
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
	struct figure_options o;
	uint8_t *pool = take(DATAGRAMS, DATAGRAM);
	static struct figure figure[4];
	struct scene scene[2];

	if (!figure_options(argc, argv, "relay_bench", &o))
		return 2;
	for (uint32_t i = 0; i < DATAGRAMS; i++) {
		uint8_t *d = pool + i * DATAGRAM;

		d[0] = TP_CHANNEL_MIN >> 8;
		d[3] = DATAGRAM - TP_CHANNEL_HEADER;
	}
	fprintf(stderr, "relay_bench: filling the tables\n");
	scene_init(&scene[0], FEW, pool);
	scene_init(&scene[1], o.allocations, pool);
	for (unsigned int i = 0; i < 4; i++)
		figure[i] = (struct figure){
			.direction = i % 2 ? "peer to client" : "client to peer",
			.allocations = scene[i / 2].allocations};
	// The first round introduces peers to port lines and isn't counted.
	for (unsigned int k = 0; k <= o.rounds; k++) {
		for (unsigned int i = 0; i < 4; i++) {
			const struct scene *s = &scene[i / 2];
			double ns = i % 2 ? run_peers(s) : run_clients(s);

			if (k)
				figure[i].ns[figure[i].n++] = ns;
		}
		fprintf(stderr, "\rrelay_bench: round %u of %u%s", k, o.rounds,
			k < o.rounds ? "" : "\n");
	}
	figures_report(figure, 4, o.json);
	for (unsigned int i = 0; i < 2; i++) {
		relay_destroy(scene[i].relay);
		free(scene[i].client);
		free(scene[i].peer);
	}
	free(pool);
	return 0;
}
