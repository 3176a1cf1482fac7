// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What clients may send while they have allocations, and what a control plane gone mad may command.
#include <stdlib.h>
#include <string.h>

#include <relay.h>

#define SLOTS 4u
#define PEERS 8u
#define PORT 49152u
#define NOW 1000u

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length);

static void check(bool good)
{
	if (!good)
		abort();
}

static const struct tp_endpoint client = {
	.ip = {.w = {0, 0, TP_IP_MAPPED_PREFIX, 0x4d0200c0}}, .port = 5000};
static const struct tp_endpoint peer4 = {
	.ip = {.w = {0, 0, TP_IP_MAPPED_PREFIX, 0x020112c6}}, .port = 6000};
static const struct tp_endpoint peer6 = {.ip = {.b = {0x20, 1, 0xd, 0xb8, [15] = 2}}, .port = 6000};

static struct relay *make(void)
{
	struct relay_config config = {.secret = {1, 2}};
	struct tp_capabilities *c = &config.capabilities;
	struct relay *r = NULL;

	c->servers = 1;
	c->server[0] = client;
	c->relays = 2;
	c->relay[0].local = c->relay[0].public_ = tp_ip4(0x016433c6);
	c->relay[1].local = c->relay[1].public_ = (struct tp_ip){.b = {0x20, 1, [15] = 1}};
	c->allocations = SLOTS;
	c->peers = PEERS;
	c->port_min = PORT;
	c->port_max = PORT + 7;
	c->channel_max = TP_CHANNEL_MAX;
	check(relay_create(&r, &config) == 0);
	return r;
}

// An allocation of each family, each with a permission, the first with a channel too.
static void populate(struct relay *r)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct tp_command c = {
			.kind = TP_PUT_ALLOCATION,
			.allocation = i,
			.expires_ms = 600000,
			.relay = (uint8_t)i,
			.relay_port = PORT,
			.client = client,
			.peer = i ? peer6 : peer4,
			.channel = TP_CHANNEL_MIN,
		};

		check(relay_apply(r, &c, NOW) == TP_STATUS_OK);
		c.kind = TP_PUT_PERMISSION;
		check(relay_apply(r, &c, NOW) == TP_STATUS_OK);
		c.kind = TP_PUT_CHANNEL;
		if (!i)
			check(relay_apply(r, &c, NOW) == TP_STATUS_OK);
	}
}

static void fuzz_datagram(const uint8_t *data, uint32_t length)
{
	static struct relay *r;
	struct relay_from_client in = {.data = data, .length = length, .client = client};
	struct relay_decision d;

	if (!r) {
		r = make();
		populate(r);
	}
	memset(&d, 0xee, sizeof(d));
	relay_decide_clients(r, &in, &d, 1, NOW);
	switch (d.verdict) {
	case RELAY_DROP:
		check(d.drop < TP_COUNTER_COUNT);
		break;
	case RELAY_PEER:
		check(d.offset <= length && d.length <= length - d.offset);
		check(tp_ip_equal(&d.to.ip, d.relay ? &peer6.ip : &peer4.ip) && d.to.port);
		check(d.port == PORT && d.allocation == d.relay);
		break;
	case RELAY_PUNT:
		check(length >= TP_STUN_HEADER && d.known == 1);
		break;
	default:
		abort();
	}
}

// Commands, one behind the other. Whatever they were, dropping every slot empties the tables.
static void fuzz_commands(const uint8_t *data, size_t length)
{
	static struct relay *r;
	struct relay_usage u;
	struct tp_command c;

	if (!r)
		r = make();
	for (; length >= sizeof(c); data += sizeof(c), length -= sizeof(c)) {
		memcpy(&c, data, sizeof(c));
		check(relay_apply(r, &c, NOW) < TP_STATUS_COUNT);
		relay_usage(r, &u);
		check(u.allocations <= SLOTS && u.permissions + u.channels <= PEERS);
	}
	for (uint32_t i = 0; i < SLOTS; i++) {
		c = (struct tp_command){.kind = TP_DROP_ALLOCATION, .allocation = i};
		check(relay_apply(r, &c, NOW) == TP_STATUS_OK);
	}
	relay_usage(r, &u);
	check(u.allocations + u.permissions + u.channels == 0);
}

// Input: whether it is a datagram (even) or commands, then its bytes.
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length)
{
	if (!length || length > 70000)
		return 0;
	if (input[0] & 1)
		fuzz_commands(input + 1, length - 1);
	else
		fuzz_datagram(input + 1, (uint32_t)length - 1);
	return 0;
}
