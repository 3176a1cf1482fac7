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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <relay.h>

#define BURST 32u
#define DATAGRAMS 8192u // pool of ChannelData datagrams
#define DATAGRAM 176u // bytes, header included
#define PACKETS (1u << 20) // in a round
#define FEW 1000u
#define RELAYS 64u
#define PORT_MIN 49152u
#define ROUNDS_MAX 100

struct scene {
	struct relay *relay;
	uint32_t allocations;
	uint32_t headers; // in the pool, a power of two
	struct relay_from_client *client;
	struct relay_from_peer *peer;
};

struct figure {
	const char *direction;
	uint32_t allocations;
	double ns[ROUNDS_MAX];
	unsigned int n;
};

static uint64_t state = 0x1234567;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(((state >> 32) * below) >> 32);
}

static struct tp_endpoint endpoint(uint32_t host, uint32_t net, uint16_t port)
{
	return (struct tp_endpoint){.ip = tp_ip4(TP_BE32(net << 24 | host)), .port = port};
}

static struct tp_endpoint client_of(uint32_t i)
{
	return endpoint(i * 7, 10, (uint16_t)(1024 + i % 60000));
}

static struct tp_endpoint peer_of(uint32_t i)
{
	return endpoint(i * 5, 11, (uint16_t)(2048 + i % 60000));
}

static void apply(struct relay *relay, const struct tp_command *c)
{
	if (relay_apply(relay, c, 0) == TP_STATUS_OK)
		return;
	fprintf(stderr, "relay_bench: a command of kind %u failed\n", c->kind);
	exit(1);
}

static void populate(struct scene *s)
{
	for (uint32_t i = 0; i < s->allocations; i++) {
		struct tp_command c = {
			.kind = TP_PUT_ALLOCATION,
			.allocation = i,
			.expires_ms = 600000,
			.relay = (uint8_t)(i % RELAYS),
			.relay_port = (uint16_t)(PORT_MIN + i / RELAYS),
			.client = client_of(i),
			.peer = peer_of(i),
			.channel = TP_CHANNEL_MIN,
		};

		apply(s->relay, &c);
		c.kind = TP_PUT_PERMISSION;
		apply(s->relay, &c);
		c.kind = TP_PUT_CHANNEL;
		apply(s->relay, &c);
	}
}

static void *take(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p) {
		fprintf(stderr, "relay_bench: not enough memory\n");
		exit(1);
	}
	return p;
}

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
			.port = (uint16_t)(PORT_MIN + i / RELAYS),
			.peer = peer_of(i),
		};
	}
}

static void scene_init(struct scene *s, uint32_t allocations, const uint8_t *pool)
{
	struct relay_config *config = take(1, sizeof(*config));
	int err;

	config->capabilities = (struct tp_capabilities){
		.servers = 1,
		.relays = RELAYS,
		.allocations = allocations,
		.peers = tp_peers_for(allocations),
		.port_min = PORT_MIN,
		.port_max = 65535,
		.channel_max = TP_CHANNEL_MAX,
	};
	config->capabilities.server[0] = endpoint(1, 192, 3478);
	for (uint32_t i = 0; i < RELAYS; i++) {
		config->capabilities.relay[i].local = endpoint(i, 198, 1).ip;
		config->capabilities.relay[i].public_ = endpoint(i, 198, 1).ip;
	}
	config->secret[0] = 0x243f6a8885a308d3;
	config->secret[1] = 0x13198a2e03707344;
	err = relay_create(&s->relay, config);
	if (err < 0) {
		fprintf(stderr, "relay_bench: no tables: %s\n", strerror(-err));
		exit(1);
	}
	free(config);
	s->allocations = allocations;
	s->headers = allocations > FEW ? PACKETS : DATAGRAMS;
	s->client = take(s->headers, sizeof(*s->client));
	s->peer = take(s->headers, sizeof(*s->peer));
	populate(s);
	draw_packets(s, pool);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
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

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(struct figure *f, bool json, bool last)
{
	double median;

	qsort(f->ns, f->n, sizeof(f->ns[0]), ascending);
	median = f->n % 2 ? f->ns[f->n / 2] : (f->ns[f->n / 2 - 1] + f->ns[f->n / 2]) / 2;
	if (json)
		printf("{\"direction\":\"%s\",\"allocations\":%u,\"rounds\":%u,\"ns_min\":%.2f,"
		       "\"ns_median\":%.2f,\"ns_max\":%.2f}%s\n",
			f->direction, f->allocations, f->n, f->ns[0], median, f->ns[f->n - 1],
			last ? "" : ",");
	else
		printf("%-15s %8u allocations   min %6.2f   median %6.2f   max %6.2f ns/packet\n",
			f->direction, f->allocations, f->ns[0], median, f->ns[f->n - 1]);
}

int main(int argc, char **argv)
{
	uint32_t allocations = 1000000;
	unsigned int rounds = 12;
	bool json = false;
	uint8_t *pool = take(DATAGRAMS, DATAGRAM);
	static struct figure figure[4];
	struct scene scene[2];

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (!strcmp(argv[i], "--allocations") && i + 1 < argc)
			allocations = (uint32_t)strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
			rounds = (unsigned int)strtoul(argv[++i], NULL, 10);
		else
			allocations = 0;
	}
	if (!allocations || allocations > RELAYS * 16384 || !rounds || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: relay_bench [--json] [--allocations 1..1048576] "
				"[--rounds 1..100]\n");
		return 2;
	}
	for (uint32_t i = 0; i < DATAGRAMS; i++) {
		uint8_t *d = pool + i * DATAGRAM;

		d[0] = TP_CHANNEL_MIN >> 8;
		d[3] = DATAGRAM - TP_CHANNEL_HEADER;
	}
	fprintf(stderr, "relay_bench: filling the tables\n");
	scene_init(&scene[0], FEW, pool);
	scene_init(&scene[1], allocations, pool);
	for (unsigned int i = 0; i < 4; i++)
		figure[i] = (struct figure){
			.direction = i % 2 ? "peer to client" : "client to peer",
			.allocations = scene[i / 2].allocations};
	// The first round introduces peers to port lines and isn't counted.
	for (unsigned int k = 0; k <= rounds; k++) {
		for (unsigned int i = 0; i < 4; i++) {
			const struct scene *s = &scene[i / 2];
			double ns = i % 2 ? run_peers(s) : run_clients(s);

			if (k)
				figure[i].ns[figure[i].n++] = ns;
		}
		fprintf(stderr, "\rrelay_bench: round %u of %u%s", k, rounds,
			k < rounds ? "" : "\n");
	}
	if (json)
		printf("[\n");
	for (unsigned int i = 0; i < 4; i++)
		report(&figure[i], json, i == 3);
	if (json)
		printf("]\n");
	for (unsigned int i = 0; i < 2; i++) {
		relay_destroy(scene[i].relay);
		free(scene[i].client);
		free(scene[i].peer);
	}
	free(pool);
	return 0;
}
