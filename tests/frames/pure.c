// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <frame.h>
#include <relay.h>

#include "pure.h"

#define SERVER_PORT 3478
#define NOW 1000u
#define SOME 64u // bytes that are free behind a frame

struct pure {
	struct relay *relay;
	struct tp_capabilities capabilities;
	const struct case_next_hop *next_hop;
	struct frame frame;
	uint8_t *data; // the frame, with room on both sides
	uint32_t length;
	struct case_result *result;
};

static void apply(struct relay *relay, const struct tp_command *c)
{
	if (relay_apply(relay, c, NOW) == TP_STATUS_OK)
		return;
	fprintf(stderr, "pure: a command of kind %u failed\n", c->kind);
	exit(1);
}

static void populate(struct relay *relay, const struct case_state *s)
{
	struct tp_command c = {.expires_ms = 600000};

	for (uint32_t i = 0; i < s->allocations; i++) {
		const struct case_allocation *a = &s->allocation[i];

		c.kind = TP_PUT_ALLOCATION;
		c.allocation = i;
		c.server = a->server;
		c.relay = a->relay;
		c.relay_port = a->relay_port;
		c.client = case_endpoint(a->client, a->client_port);
		apply(relay, &c);
	}
	for (uint32_t i = 0; i < s->peers; i++) {
		const struct case_peer *p = &s->peer[i];

		c.kind = TP_PUT_PERMISSION;
		c.allocation = p->allocation;
		c.peer = case_endpoint(p->ip, 0);
		apply(relay, &c);
		if (!p->channel)
			continue;
		c.kind = TP_PUT_CHANNEL;
		c.peer.port = p->port;
		c.channel = p->channel;
		apply(relay, &c);
	}
}

static void create(struct pure *p, const struct case_state *s)
{
	struct relay_config config = {.secret = {1, 2}};
	struct tp_capabilities *c = &config.capabilities;

	for (; c->servers < 4 && s->server[c->servers]; c->servers++)
		c->server[c->servers] = case_endpoint(s->server[c->servers], SERVER_PORT);
	for (; c->relays < 4 && s->relay[c->relays]; c->relays++) {
		const char *known = s->public_[c->relays];

		c->relay[c->relays].local = case_endpoint(s->relay[c->relays], 0).ip;
		c->relay[c->relays].public_ =
			case_endpoint(known ? known : s->relay[c->relays], 0).ip;
	}
	c->allocations = 16;
	c->peers = 64;
	c->port_min = 49152;
	c->port_max = 49199;
	c->channel_max = TP_CHANNEL_MAX;
	p->capabilities = *c;
	if (relay_create(&p->relay, &config) < 0) {
		fprintf(stderr, "pure: no tables\n");
		exit(1);
	}
	populate(p->relay, s);
}

static void dropped(struct pure *p, enum tp_counter reason)
{
	p->result->outcome = OUTCOME_DROPPED;
	p->result->drop = reason;
}

static void answer(struct pure *p, enum frame_error what, uint16_t mtu)
{
	uint8_t error[FRAME_ERROR_MAX];

	p->result->length = frame_make_error(
		error, what, p->data, p->length, &p->frame, &p->frame.destination.ip, mtu);
	memcpy(p->result->frame, error, p->result->length);
}

// How the dataplane's next hop would have it.
static void address(const struct pure *p, struct frame_send *send)
{
	const struct case_next_hop *hop = p->next_hop;

	memcpy(send->l2, next_hop_l2, sizeof(next_hop_l2));
	send->l2_length = 14;
	if (hop->vlan) {
		memcpy(send->l2 + 12,
			(uint8_t[]){0x81, 0, (uint8_t)(hop->vlan >> 8), (uint8_t)hop->vlan}, 4);
		send->l2_length = 18;
	}
	send->mtu = hop->mtu ? hop->mtu : 1500;
	send->ip_id = hop->ip_id;
	send->flow_label = hop->flow_label;
}

static void rewrite(struct pure *p, struct frame_send *send, bool to_peer)
{
	struct frame_result r;
	int err;

	address(p, send);
	err = frame_rewrite(p->data, &p->frame, send, &r, NULL, NULL);
	if (err == -ETIME) {
		dropped(p, to_peer ? TP_C_client_ttl_expired : TP_C_peer_ttl_expired);
		answer(p, FRAME_TIME_EXCEEDED, 0);
	} else if (err == -EMSGSIZE) {
		dropped(p, to_peer ? TP_C_client_tx_too_big : TP_C_peer_tx_too_big);
		answer(p, FRAME_TOO_BIG, r.mtu);
	} else if (err) {
		fprintf(stderr, "pure: the rewrite was refused: %s\n", strerror(-err));
		exit(1);
	} else {
		p->result->outcome = r.fragment ? OUTCOME_TO_FRAGMENT : OUTCOME_SENT;
		p->result->length = r.total;
		memcpy(p->result->frame, p->data + r.start, r.total);
	}
}

// To the client, from data that stands at `offset` of what arrived.
static void to_client(struct pure *p, const struct relay_from_peer *in, uint32_t offset)
{
	struct relay_decision d;
	struct frame_send send;

	relay_decide_peers(p->relay, in, &d, 1, NOW);
	if (d.verdict == RELAY_DROP) {
		dropped(p, d.drop);
		return;
	}
	send = (struct frame_send){
		.source = p->capabilities.server[d.server],
		.destination = d.to,
		.offset = offset + d.offset,
		.length = d.length,
		.front = d.front,
		.front_length = d.front_length,
		.padding = d.padding,
	};
	rewrite(p, &send, false);
}

static void hairpin(struct pure *p, const struct relay_decision *d)
{
	struct relay_from_peer in = {
		.length = d->length,
		.relay = d->target,
		.port = d->to.port,
		.peer = {.ip = p->capabilities.relay[d->relay].public_, .port = d->port},
	};

	if (p->frame.ttl <= 1) {
		dropped(p, TP_C_client_ttl_expired);
		answer(p, FRAME_TIME_EXCEEDED, 0);
		return;
	}
	p->frame.ttl--;
	to_client(p, &in, d->offset);
	// A dataplane knows beforehand which relay ports it has allocations for.
	if (p->result->outcome == OUTCOME_DROPPED && p->result->drop == TP_C_peer_no_allocation)
		dropped(p, TP_C_hairpin_no_allocation);
}

static int relay_index(const struct pure *p, const struct tp_ip *ip)
{
	for (uint32_t i = 0; i < p->capabilities.relays; i++) {
		if (tp_ip_equal(&p->capabilities.relay[i].local, ip))
			return (int)i;
	}
	return -1;
}

static bool is_ours(const struct pure *p, const struct tp_ip *ip)
{
	for (uint32_t i = 0; i < p->capabilities.servers; i++)
		if (tp_ip_equal(&p->capabilities.server[i].ip, ip))
			return true;
	return relay_index(p, ip) >= 0;
}

static void from_client(struct pure *p, uint8_t server)
{
	struct relay_from_client in = {
		.data = p->data + p->frame.payload,
		.length = p->frame.payload_length,
		.server = server,
		.client = p->frame.source,
	};
	struct relay_decision d;
	struct frame_send send;

	relay_decide_clients(p->relay, &in, &d, 1, NOW);
	if (d.verdict == RELAY_DROP) {
		dropped(p, d.drop);
	} else if (d.verdict == RELAY_PUNT && is_ours(p, &in.client.ip)) {
		// What comes from the wire has no source of ours: a dataplane says so where it costs nothing.
		dropped(p, TP_C_client_source_invalid);
	} else if (d.verdict == RELAY_PUNT) {
		p->result->outcome = OUTCOME_PUNTED;
	} else if (d.verdict == RELAY_HAIRPIN) {
		hairpin(p, &d);
	} else {
		send = (struct frame_send){
			.source = {.ip = p->capabilities.relay[d.relay].local, .port = d.port},
			.destination = d.to,
			.offset = d.offset,
			.length = d.length,
			.dont_fragment = d.dont_fragment,
		};
		rewrite(p, &send, true);
	}
}

static void from_peer(struct pure *p, uint8_t relay)
{
	struct relay_from_peer in = {
		.length = p->frame.payload_length,
		.relay = relay,
		.port = p->frame.destination.port,
		.peer = p->frame.source,
	};

	to_client(p, &in, 0);
}

static void datagram(struct pure *p)
{
	const struct tp_endpoint *to = &p->frame.destination;
	int relay = relay_index(p, &to->ip);

	for (uint32_t i = 0; i < p->capabilities.servers; i++) {
		if (tp_endpoint_equal(&p->capabilities.server[i], to)) {
			from_client(p, (uint8_t)i);
			return;
		}
	}
	if (relay >= 0 && to->port >= p->capabilities.port_min &&
		to->port <= p->capabilities.port_max)
		from_peer(p, (uint8_t)relay);
	else
		p->result->outcome = OUTCOME_KERNEL;
}

// The client gets a datagram of our own about it.
static void icmp_error(struct pure *p)
{
	struct frame_icmp icmp;
	struct relay_icmp in;
	struct relay_decision d;
	uint8_t message[RELAY_ICMP_MAX], room[FRAME_HEADROOM + RELAY_ICMP_MAX];
	struct frame_send send;
	uint32_t length;
	uint8_t *first;
	int relay;

	if (frame_parse_icmp(&icmp, &p->frame, p->data, p->length)) {
		p->result->outcome = OUTCOME_MALFORMED;
		return;
	}
	relay = relay_index(p, &icmp.source.ip);
	if (relay < 0) {
		p->result->outcome = OUTCOME_KERNEL;
		return;
	}
	in = (struct relay_icmp){
		.relay = (uint8_t)relay,
		.port = icmp.source.port,
		.peer = icmp.destination,
		.type = icmp.type,
		.code = icmp.code,
		.data = icmp.data,
	};
	length = relay_decide_icmp(p->relay, &in, &d, message, NOW);
	if (d.verdict == RELAY_DROP) {
		dropped(p, d.drop);
		return;
	}
	send = (struct frame_send){.source = p->capabilities.server[d.server], .destination = d.to};
	address(p, &send);
	memcpy(room + FRAME_HEADROOM, message, length);
	first = frame_build(room + FRAME_HEADROOM, length, &send);
	p->result->outcome = OUTCOME_SENT;
	p->result->length = (uint32_t)(room + FRAME_HEADROOM + length - first);
	memcpy(p->result->frame, first, p->result->length);
}

static void classify(struct pure *p)
{
	static const enum case_outcome outcome[] = {
		[FRAME_FRAGMENT] = OUTCOME_REASSEMBLE,
		[FRAME_OTHER] = OUTCOME_KERNEL,
		[FRAME_MALFORMED] = OUTCOME_MALFORMED,
	};

	frame_parse(&p->frame, p->data, p->length, p->length, false);
	if (p->frame.kind == FRAME_UDP)
		datagram(p);
	else if (p->frame.kind == FRAME_ICMP_ERROR)
		icmp_error(p);
	else
		p->result->outcome = outcome[p->frame.kind];
}

void pure_run(struct case_result *out, const struct case_state *state,
	const struct case_next_hop *next_hop, const uint8_t *in, uint32_t length)
{
	uint8_t *buffer = malloc(FRAME_HEADROOM + length + SOME);
	struct pure p = {
		.next_hop = next_hop,
		.data = buffer + FRAME_HEADROOM,
		.length = length,
		.result = out,
	};

	// Whatever is behind the frame must be overwritten where it is used.
	memset(buffer, 0x55, FRAME_HEADROOM + length + SOME);
	memcpy(p.data, in, length);
	create(&p, state);
	classify(&p);
	relay_destroy(p.relay);
	free(buffer);
}
