// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "population.h"

static uint64_t state = 0x1234567;

uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(((state >> 32) * below) >> 32);
}

void *take(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p) {
		fprintf(stderr, "bench: not enough memory\n");
		exit(1);
	}
	return p;
}

static struct tp_endpoint endpoint(uint32_t host, uint32_t net, uint16_t port)
{
	return (struct tp_endpoint){.ip = tp_ip4(TP_BE32(net << 24 | host)), .port = port};
}

uint32_t allocations_of(uint32_t flows)
{
	return flows < ALLOCATIONS_MAX ? flows : ALLOCATIONS_MAX;
}

struct tp_endpoint client_of(uint32_t i)
{
	return endpoint(i * 7, 10, (uint16_t)(1024 + i % 60000));
}

struct tp_endpoint peer_of(uint32_t i)
{
	return endpoint(i * 5 & 0xffffff, 11, (uint16_t)(2048 + i % 60000));
}

struct tp_endpoint relay_of(uint32_t i)
{
	return endpoint(i % RELAYS, 198, (uint16_t)(PORT_MIN + i / RELAYS));
}

struct tp_endpoint server_address(void)
{
	return endpoint(1, 192, 3478);
}

struct tp_endpoint in_family(struct tp_endpoint e, enum tp_family family)
{
	if (family == TP_IPV6) {
		e.ip.w[0] = TP_BE32(0x20010db8);
		e.ip.w[1] = e.ip.w[2] = 0;
	}
	return e;
}

static void apply_or_end(const struct tp_command *c, apply_fn *apply, void *context)
{
	if (apply(context, c) == TP_STATUS_OK)
		return;
	fprintf(stderr, "bench: a command of kind %u failed\n", c->kind);
	exit(1);
}

void put_allocation(
	uint32_t i, enum tp_family family, uint64_t expires_ms, apply_fn *apply, void *context)
{
	struct tp_command c = {
		.kind = TP_PUT_ALLOCATION,
		.allocation = i,
		.expires_ms = expires_ms,
		.relay = (uint8_t)(i % RELAYS),
		.relay_port = relay_of(i).port,
		.client = in_family(client_of(i), family),
		.peer = in_family(peer_of(i), family),
		.channel = TP_CHANNEL_MIN,
	};

	apply_or_end(&c, apply, context);
	c.kind = TP_PUT_PERMISSION;
	apply_or_end(&c, apply, context);
	c.kind = TP_PUT_CHANNEL;
	apply_or_end(&c, apply, context);
}

static enum tp_status apply(void *relay, const struct tp_command *c)
{
	return relay_apply(relay, c, 0);
}

// Another flow of an allocation that is there.
static void put_flow(uint32_t i, uint32_t allocations, uint64_t expires_ms, struct relay *relay)
{
	struct tp_command c = {
		.kind = TP_PUT_PERMISSION,
		.allocation = i % allocations,
		.expires_ms = expires_ms,
		.peer = peer_of(i),
		.channel = (uint16_t)(TP_CHANNEL_MIN + i / allocations),
	};

	apply_or_end(&c, apply, relay);
	c.kind = TP_PUT_CHANNEL;
	apply_or_end(&c, apply, relay);
}

void population_capabilities(
	struct tp_capabilities *out, uint32_t allocations, enum tp_family family)
{
	*out = (struct tp_capabilities){
		.servers = 1,
		.relays = RELAYS,
		.allocations = allocations,
		.peers = tp_peers_for(allocations),
		.port_min = PORT_MIN,
		.port_max = 65535,
		.channel_max = TP_CHANNEL_MAX,
	};
	out->server[0] = in_family(server_address(), family);
	for (uint32_t i = 0; i < RELAYS; i++) {
		out->relay[i].local = in_family(relay_of(i), family).ip;
		out->relay[i].public_ = out->relay[i].local;
	}
}

struct relay *empty_relay(uint32_t flows)
{
	struct relay_config *config = take(1, sizeof(*config));
	uint32_t allocations = allocations_of(flows);
	struct relay *relay;
	int err;

	population_capabilities(&config->capabilities, allocations, TP_IPV4);
	if (flows > allocations) // a peer line for a permission, and one for a channel
		config->capabilities.peers = 2 * flows + 1;
	config->secret[0] = 0x243f6a8885a308d3;
	config->secret[1] = 0x13198a2e03707344;
	err = relay_create(&relay, config);
	if (err < 0) {
		fprintf(stderr, "bench: no tables: %s\n", strerror(-err));
		exit(1);
	}
	free(config);
	return relay;
}

struct relay *populated_relay(uint32_t flows)
{
	struct relay *relay = empty_relay(flows);
	uint32_t allocations = allocations_of(flows);

	for (uint32_t i = 0; i < allocations; i++)
		put_allocation(i, TP_IPV4, 600000, apply, relay);
	for (uint32_t i = allocations; i < flows; i++)
		put_flow(i, allocations, 600000, relay);
	return relay;
}
