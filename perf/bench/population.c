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

struct tp_endpoint client_of(uint32_t i)
{
	return endpoint(i * 7, 10, (uint16_t)(1024 + i % 60000));
}

struct tp_endpoint peer_of(uint32_t i)
{
	return endpoint(i * 5, 11, (uint16_t)(2048 + i % 60000));
}

struct tp_endpoint relay_of(uint32_t i)
{
	return endpoint(i % RELAYS, 198, (uint16_t)(PORT_MIN + i / RELAYS));
}

struct tp_endpoint server_address(void)
{
	return endpoint(1, 192, 3478);
}

static void apply(struct relay *relay, const struct tp_command *c)
{
	if (relay_apply(relay, c, 0) == TP_STATUS_OK)
		return;
	fprintf(stderr, "bench: a command of kind %u failed\n", c->kind);
	exit(1);
}

static void populate(struct relay *relay, uint32_t allocations)
{
	for (uint32_t i = 0; i < allocations; i++) {
		struct tp_command c = {
			.kind = TP_PUT_ALLOCATION,
			.allocation = i,
			.expires_ms = 600000,
			.relay = (uint8_t)(i % RELAYS),
			.relay_port = relay_of(i).port,
			.client = client_of(i),
			.peer = peer_of(i),
			.channel = TP_CHANNEL_MIN,
		};

		apply(relay, &c);
		c.kind = TP_PUT_PERMISSION;
		apply(relay, &c);
		c.kind = TP_PUT_CHANNEL;
		apply(relay, &c);
	}
}

struct relay *populated_relay(uint32_t allocations)
{
	struct relay_config *config = take(1, sizeof(*config));
	struct relay *relay;
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
	config->capabilities.server[0] = server_address();
	for (uint32_t i = 0; i < RELAYS; i++) {
		config->capabilities.relay[i].local = relay_of(i).ip;
		config->capabilities.relay[i].public_ = relay_of(i).ip;
	}
	config->secret[0] = 0x243f6a8885a308d3;
	config->secret[1] = 0x13198a2e03707344;
	err = relay_create(&relay, config);
	if (err < 0) {
		fprintf(stderr, "bench: no tables: %s\n", strerror(-err));
		exit(1);
	}
	free(config);
	populate(relay, allocations);
	return relay;
}
