// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Nanoseconds for a whole frame without I/O: parse, lookup and decision, rewrite with checksums, in bursts
// as a worker does it; ChannelData in both directions and Send indications, with few flows and with
// 1,000,000 that frames hit at random; IPv4, and with the fewest flows every other mix of families too.
//
//   frame_bench [--json] [--rounds N] [--seconds S] [--flows N,...] [--bursts N,...]
//
// A pool of 8192 frames is made anew, without being timed, each time that it has been relayed: buffers are
// as warm as a NIC leaves them, table lines as cold as the number of allocations makes them.

#include <string.h>

#include <plain.h>

#include "figure.h"
#include "population.h"

#define FRAMES 8192u // pool
// Before a frame: 8 more than a line's multiple, so that a header is in one line both before and after it
// has grown or shrunk by ChannelData's 4 bytes.
#define ROOM 136u
#define BUFFER 384u // bytes, ROOM included
#define DATA 172u // application bytes
#define BATCHES 64u // pools in a round
#define DIRECTIONS 3u
#define MIXES 4u
#define SCENES (SWEEP_MAX + MIXES - 1) // IPv4 with each number of flows, and the other mixes
#define CASES (SCENES * SWEEP_MAX * DIRECTIONS)

enum direction {
	CHANNEL_TO_PEER,
	SEND_TO_PEER,
	TO_CLIENT,
};

// The families of clients, and of peers and relay addresses.
struct mix {
	enum tp_family client, peer;
	const char *name[DIRECTIONS];
};
static const struct mix mixes[MIXES] = {
	{TP_IPV4, TP_IPV4, {"client to peer", "Send to peer", "peer to client"}},
	{TP_IPV6, TP_IPV6, {"IPv6 client to peer", "IPv6 Send to peer", "IPv6 peer to client"}},
	{TP_IPV4, TP_IPV6,
		{"IPv4 client to IPv6 peer", "IPv4 Send to IPv6 peer", "IPv6 peer to IPv4 client"}},
	{TP_IPV6, TP_IPV4,
		{"IPv6 client to IPv4 peer", "IPv6 Send to IPv4 peer", "IPv4 peer to IPv6 client"}},
};

static const uint16_t ip_id;

struct scene {
	struct relay *relay;
	const struct mix *mix;
	uint32_t flows, allocations;
	struct tp_endpoint server;
	struct tp_ip relay_ip[RELAYS];
	uint8_t l2[2][FRAME_L2_MAX];
};

// As a worker keeps it: a plain frame is parsed again where it is rewritten, in registers.
struct packet {
	bool plain;
	struct frame frame; // of one that isn't
};

struct pool {
	uint8_t *buffer;
	uint16_t length[FRAMES];
	struct frame_result result[FRAMES];
};

static void fail(const char *what)
{
	fprintf(stderr, "frame_bench: %s\n", what);
	exit(1);
}

// A Send indication's header, XOR-PEER-ADDRESS and DATA's header.
static uint32_t put_send(uint8_t *b, const struct tp_endpoint *peer)
{
	bool is4 = tp_ip_is4(&peer->ip);
	uint32_t address = is4 ? 8 : 20;

	tp_put32(b, (uint32_t)TP_STUN_TYPE_SEND << 16 | (8 + address + DATA));
	tp_put32(b + 4, TP_STUN_COOKIE);
	memset(b + 8, 7, TP_STUN_TID);
	tp_put32(b + 20, TP_ATTR_XOR_PEER_ADDRESS << 16 | address);
	tp_put32(b + 24, (is4 ? TP_IPV4 : TP_IPV6) << 16 | (peer->port ^ TP_STUN_COOKIE >> 16));
	for (uint32_t i = 0; i < address - 4; i++)
		b[28 + i] = peer->ip.b[(is4 ? 12 : 0) + i] ^ b[4 + i];
	tp_put32(b + 24 + address, TP_ATTR_DATA << 16 | DATA);
	return 28 + address;
}

static void make_frame(const struct scene *s, struct pool *p, uint32_t k, enum direction way)
{
	uint8_t *data = p->buffer + k * BUFFER + ROOM, *payload;
	uint32_t flow = draw(s->flows), i = flow % s->allocations, front = 0;
	struct frame_send send = {.dont_fragment = true, .l2_length = TP_ETHERNET_HEADER};
	struct tp_endpoint peer = in_family(peer_of(flow), s->mix->peer);
	uint8_t bytes[48];

	send.source = in_family(client_of(i), s->mix->client);
	send.destination = s->server;
	if (way == CHANNEL_TO_PEER) {
		tp_put32(bytes, (TP_CHANNEL_MIN + flow / s->allocations) << 16 | DATA);
		front = 4;
	} else if (way == SEND_TO_PEER) {
		front = put_send(bytes, &peer);
	} else {
		send.source = peer;
		send.destination = in_family(relay_of(i), s->mix->peer);
	}
	payload = data + TP_ETHERNET_HEADER + tp_ip_header_length(tp_ip_is4(&send.source.ip)) +
		  TP_UDP_HEADER + front;
	send.front = bytes;
	send.front_length = (uint16_t)front;
	memcpy(send.l2, s->l2[1], sizeof(s->l2[1]));
	memset(payload, (int)k, DATA);
	if (frame_build(payload, DATA, &send) != data)
		fail("a frame was not built where it should be");
	p->length[k] = (uint16_t)(payload + DATA - data);
}

static ALWAYS_INLINE void add_client(const struct scene *s, struct relay_from_client *in,
	const uint8_t *data, const struct frame *f)
{
	if (f->kind != FRAME_UDP || !tp_endpoint_equal(&f->destination, &s->server))
		fail("a frame was not taken");
	in->data = data + f->payload;
	in->length = f->payload_length;
	in->server = 0;
	in->transport = 0;
	plain_copy_endpoint(&in->client, &f->source);
}

static ALWAYS_INLINE void add_peer(
	struct relay_from_peer *in, const uint8_t *data, const struct frame *f)
{
	if (f->kind != FRAME_UDP)
		fail("a frame was not taken");
	in->data = data + f->payload;
	in->length = f->payload_length;
	in->relay = f->destination.ip.b[15];
	in->port = f->destination.port;
	plain_copy_endpoint(&in->peer, &f->source);
}

static void rewrite_any(const struct scene *s, struct pool *p, uint32_t k, struct packet *packet,
	const struct relay_decision *d, struct frame_send *send)
{
	uint8_t *data = p->buffer + k * BUFFER + ROOM;

	if (packet->plain)
		plain_parse(&packet->frame, data);
	send->destination = d->to;
	send->offset = d->offset;
	send->length = d->length;
	memcpy(send->l2, s->l2[0], sizeof(send->l2));
	send->l2_length = TP_ETHERNET_HEADER;
	send->mtu = 1500;
	if (frame_rewrite(data, &packet->frame, send, &p->result[k], NULL, NULL))
		fail("a frame was not rewritten");
}

static NEVER_INLINE void to_peer_any(const struct scene *s, struct pool *p, uint32_t k,
	struct packet *packet, const struct relay_decision *d)
{
	struct frame_send send = {
		.source = {.ip = s->relay_ip[d->relay], .port = d->port},
		.dont_fragment = d->dont_fragment,
	};

	rewrite_any(s, p, k, packet, d, &send);
}

static NEVER_INLINE void to_client_any(const struct scene *s, struct pool *p, uint32_t k,
	struct packet *packet, const struct relay_decision *d)
{
	struct frame_send send = {
		.source = s->server,
		.front = d->front,
		.front_length = d->front_length,
		.padding = d->padding,
	};

	rewrite_any(s, p, k, packet, d, &send);
}

static ALWAYS_INLINE bool rewrite(
	struct pool *p, uint32_t k, const struct packet *packet, const struct plain_send *s)
{
	uint8_t *data = p->buffer + k * BUFFER + ROOM;
	struct frame f;

	if (!packet->plain)
		return false;
	plain_parse(&f, data);
	if (!plain_rewrite(data, &f, s))
		return false;
	p->result[k].start = (int32_t)s->offset - s->front_length;
	p->result[k].total = PLAIN_HEADERS + s->front_length + s->length;
	return true;
}

static ALWAYS_INLINE void to_peer(const struct scene *s, struct pool *p, uint32_t k,
	struct packet *packet, const struct relay_decision *d)
{
	const struct plain_send plain = {
		.source = &s->relay_ip[d->relay],
		.source_port = &d->port,
		.destination = &d->to,
		.offset = d->offset,
		.length = d->length,
		.dont_fragment = d->dont_fragment,
		.l2 = s->l2[0],
		.mtu = 1500,
		.ip_id = &ip_id,
	};

	if (!rewrite(p, k, packet, &plain))
		to_peer_any(s, p, k, packet, d);
}

static ALWAYS_INLINE void to_client(const struct scene *s, struct pool *p, uint32_t k,
	struct packet *packet, const struct relay_decision *d)
{
	const struct plain_send plain = {
		.source = &s->server.ip,
		.source_port = &s->server.port,
		.destination = &d->to,
		.length = d->length,
		.front = d->front,
		.front_length = d->front_length,
		.padding = d->padding,
		.l2 = s->l2[0],
		.mtu = 1500,
		.ip_id = &ip_id,
	};

	if (!rewrite(p, k, packet, &plain))
		to_client_any(s, p, k, packet, d);
}

static ALWAYS_INLINE void clients_burst(
	const struct scene *s, struct pool *p, uint32_t k, uint32_t burst)
{
	struct packet packet[BURST_MAX];
	struct relay_from_client in[BURST_MAX];
	struct relay_decision out[BURST_MAX];

	for (uint32_t i = 0; i < burst; i++) {
		uint8_t *data = p->buffer + (k + i) * BUFFER + ROOM;
		uint32_t length = p->length[k + i];

		packet[i].plain = plain_is(data, length, length, false);
		if (packet[i].plain) {
			struct frame f;

			plain_parse(&f, data);
			add_client(s, &in[i], data, &f);
		} else {
			frame_parse(&packet[i].frame, data, length, length, false);
			add_client(s, &in[i], data, &packet[i].frame);
		}
	}
	for (uint32_t i = 0; i < burst; i += RELAY_BURST)
		relay_decide_clients(
			s->relay, in + i, out + i, burst < RELAY_BURST ? burst : RELAY_BURST, 1000);
	for (uint32_t i = 0; i < burst; i++) {
		const struct relay_decision *d = &out[i];

		if (d->verdict != RELAY_PEER)
			fail("a frame was not relayed to a peer");
		to_peer(s, p, k + i, &packet[i], d);
	}
}

static ALWAYS_INLINE void peers_burst(
	const struct scene *s, struct pool *p, uint32_t k, uint32_t burst)
{
	struct packet packet[BURST_MAX];
	struct relay_from_peer in[BURST_MAX];
	struct relay_decision out[BURST_MAX];

	for (uint32_t i = 0; i < burst; i++) {
		uint8_t *data = p->buffer + (k + i) * BUFFER + ROOM;
		uint32_t length = p->length[k + i];

		packet[i].plain = plain_is(data, length, length, false);
		if (packet[i].plain) {
			struct frame f;

			plain_parse(&f, data);
			add_peer(&in[i], data, &f);
		} else {
			frame_parse(&packet[i].frame, data, length, length, false);
			add_peer(&in[i], data, &packet[i].frame);
		}
	}
	for (uint32_t i = 0; i < burst; i += RELAY_BURST)
		relay_decide_peers(
			s->relay, in + i, out + i, burst < RELAY_BURST ? burst : RELAY_BURST, 1000);
	for (uint32_t i = 0; i < burst; i++) {
		const struct relay_decision *d = &out[i];

		if (d->verdict != RELAY_CLIENT)
			fail("a frame was not relayed to a client");
		to_client(s, p, k + i, &packet[i], d);
	}
}

static void prefetch(const struct pool *p, uint32_t k, uint32_t burst)
{
	for (uint32_t i = 0; i < burst; i++)
		__builtin_prefetch(p->buffer + ((k + i) & (FRAMES - 1)) * BUFFER + ROOM);
}

// What came out of a pool: a frame of the right size whose IPv4 checksum is right.
static void check(const struct pool *p)
{
	for (uint32_t k = 0; k < FRAMES; k++) {
		const struct frame_result *r = &p->result[k];
		const uint8_t *data = p->buffer + k * BUFFER + ROOM + r->start;
		struct frame f;

		frame_parse(&f, data, r->total, r->total, false);
		if (f.kind != FRAME_UDP || f.payload + f.payload_length != r->total ||
			f.payload_length < DATA || data[r->total - 1] != (uint8_t)k)
			fail("a frame came out wrong");
	}
}

// The median of the batches, so that what the machine takes away from a batch (other processes, the host) is
// not in it.
static double run(const struct scene *s, struct pool *p, enum direction way, uint32_t burst)
{
	double spent[BATCHES];

	for (unsigned int batch = 0; batch < BATCHES; batch++) {
		for (uint32_t k = 0; k < FRAMES; k++)
			make_frame(s, p, k, way);
		spent[batch] = -now_ns();
		for (uint32_t k = 0; k < FRAMES; k += burst) {
			prefetch(p, k + burst, burst);
			if (way == TO_CLIENT)
				peers_burst(s, p, k, burst);
			else
				clients_burst(s, p, k, burst);
		}
		spent[batch] += now_ns();
		check(p);
	}
	return figure_median(spent, BATCHES) / FRAMES;
}

// Peers that have been heard once are in their port's line, as they are in a relay that has run for a while.
static void introduce_peers(const struct scene *s)
{
	struct relay_decision out;

	for (uint32_t i = 0; i < s->flows; i++) {
		struct relay_from_peer in = {
			.relay = (uint8_t)(i % s->allocations % RELAYS),
			.port = relay_of(i % s->allocations).port,
			.peer = in_family(peer_of(i), s->mix->peer),
		};

		relay_decide_peers(s->relay, &in, &out, 1, 1000);
	}
}

// And all clients: a line's first packet takes it a lease (relay/lease.h), from records that no later one reads.
static void introduce_clients(const struct scene *s)
{
	struct relay_decision out;

	for (uint32_t i = 0; i < 2 * s->flows; i++) {
		const uint32_t flow = i / 2, channel = TP_CHANNEL_MIN + flow / s->allocations;
		const struct tp_endpoint peer = in_family(peer_of(flow), s->mix->peer);
		uint8_t bytes[48 + DATA] = {0};
		struct relay_from_client in = {.data = bytes, .length = 4 + DATA};

		in.client = in_family(client_of(flow % s->allocations), s->mix->client);
		tp_put32(bytes, channel << 16 | DATA);
		if (i % 2)
			in.length = (uint16_t)(put_send(bytes, &peer) + DATA);
		relay_decide_clients(s->relay, &in, &out, 1, 1000);
		if (out.verdict != RELAY_PEER)
			fail("a client is not known");
	}
}

static enum tp_status apply_to_mix(void *scene, const struct tp_command *command)
{
	const struct scene *s = scene;
	struct tp_command c = *command;

	c.client = in_family(client_of(c.allocation), s->mix->client);
	return relay_apply(s->relay, &c, 0);
}

// Where families are other than IPv4 every flow has an allocation of its own.
static void populate_mix(struct scene *s)
{
	struct relay_config *config = take(1, sizeof(*config));

	s->flows = s->allocations;
	population_capabilities(&config->capabilities, s->allocations, s->mix->peer);
	config->capabilities.server[0] = s->server;
	if (relay_create(&s->relay, config))
		fail("no tables");
	free(config);
	for (uint32_t i = 0; i < s->allocations; i++)
		put_allocation(i, s->mix->peer, 600000, apply_to_mix, s);
}

static void scene_init(struct scene *s, uint32_t flows, const struct mix *mix)
{
	*s = (struct scene){.mix = mix, .flows = flows, .allocations = allocations_of(flows)};
	s->server = in_family(server_address(), mix->client);
	for (uint32_t i = 0; i < RELAYS; i++)
		s->relay_ip[i] = in_family(relay_of(i), mix->peer).ip;
	memset(s->l2, 2, sizeof(s->l2));
	if (mix == &mixes[0])
		s->relay = populated_relay(flows);
	else
		populate_mix(s);
	introduce_peers(s);
	introduce_clients(s);
}

int main(int argc, char **argv)
{
	static struct figure figure[CASES];
	static struct scene scene[SCENES];
	static struct pool pool;
	unsigned int scenes = 0, cases;
	struct figure_options o;

	if (!figure_options_sweep(argc, argv, "frame_bench", &o, FLOWS_MAX))
		return 2;
	pool.buffer = aligned_alloc(64, FRAMES * BUFFER);
	if (!pool.buffer)
		fail("not enough memory");
	fprintf(stderr, "frame_bench: filling the tables\n");
	for (unsigned int i = 0; i < o.flows_count; i++)
		scene_init(&scene[scenes++], o.flows[i], &mixes[0]);
	for (unsigned int i = 1; i < MIXES; i++)
		scene_init(&scene[scenes++], o.flows[0], &mixes[i]);
	cases = scenes * o.bursts_count * DIRECTIONS;
	for (unsigned int i = 0; i < cases; i++) {
		const struct scene *s = &scene[i / DIRECTIONS / o.bursts_count];

		figure[i] = (struct figure){.what = s->mix->name[i % DIRECTIONS],
			.flows = s->flows,
			.burst = o.bursts[i / DIRECTIONS % o.bursts_count]};
	}
	// The first round warms up and isn't counted.
	for (unsigned int k = 0; figure_round(&o, k); k++) {
		for (unsigned int i = 0; i < cases && !figure_late(&o, k); i++) {
			double ns = run(&scene[i / DIRECTIONS / o.bursts_count], &pool,
				i % DIRECTIONS, figure[i].burst);

			if (k)
				figure[i].value[figure[i].n++] = ns;
		}
		fprintf(stderr, "\rframe_bench: round %u of %u", k, o.rounds);
	}
	fprintf(stderr, "\n");
	figures_report(figure, cases, o.json);
	for (unsigned int i = 0; i < scenes; i++)
		relay_destroy(scene[i].relay);
	free(pool.buffer);
	return 0;
}
