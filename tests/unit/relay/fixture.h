// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A small relay: servers 0 (IPv4) and 1 (IPv6), relay addresses PLAIN, NAT (IPv4) and V6, 16 ports.
#pragma once

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include <relay.h>

#define PLAIN 0
#define NAT 1
#define V6 2
#define PORT_MIN 49152
#define PORT_MAX 49167
#define ALLOCATIONS 8
#define PEERS 24
#define T0 (1ull << 20) // ms, on a tick
#define TICK 128ull // ms
#define LATE (T0 + 600000)
#define CHANNEL 0x4001

static inline struct tp_endpoint ep(const char *ip, uint16_t port)
{
	struct tp_endpoint e = {.port = port};
	struct in_addr v4;

	if (inet_pton(AF_INET, ip, &v4) == 1)
		e.ip = tp_ip4(v4.s_addr);
	else if (inet_pton(AF_INET6, ip, e.ip.b) != 1)
		cr_fatal("not an address: %s", ip);
	return e;
}

static inline struct relay_config config(void)
{
	struct relay_config c = {.secret = {0x0123456789abcdef, 0xfedcba9876543210}};
	struct tp_capabilities *k = &c.capabilities;

	k->servers = 2;
	k->server[0] = ep("192.0.2.1", 3478);
	k->server[1] = ep("2001:db8::1", 3478);
	k->relays = 3;
	k->relay[PLAIN].local = k->relay[PLAIN].public_ = ep("198.51.100.1", 0).ip;
	k->relay[NAT].local = ep("10.0.0.5", 0).ip;
	k->relay[NAT].public_ = ep("203.0.113.5", 0).ip;
	k->relay[V6].local = k->relay[V6].public_ = ep("2001:db8:1::1", 0).ip;
	k->allocations = ALLOCATIONS;
	k->peers = PEERS;
	k->port_min = PORT_MIN;
	k->port_max = PORT_MAX;
	k->channel_max = TP_CHANNEL_MAX;
	return c;
}

static inline struct relay *create(const struct relay_config *c)
{
	struct relay *r = NULL;

	cr_assert(eq(int, relay_create(&r, c), 0));
	return r;
}

static inline struct relay *small_relay(void)
{
	struct relay_config c = config();

	return create(&c);
}

static inline struct tp_command allocation(
	uint32_t slot, struct tp_endpoint client, uint8_t relay, uint16_t port)
{
	return (struct tp_command){
		.kind = TP_PUT_ALLOCATION,
		.allocation = slot,
		.generation = 1,
		.expires_ms = LATE,
		.relay = relay,
		.relay_port = port,
		.server = tp_ip_is4(&client.ip) ? 0 : 1,
		.client = client,
	};
}

static inline struct tp_command permission(uint32_t slot, struct tp_endpoint peer)
{
	return (struct tp_command){
		.kind = TP_PUT_PERMISSION,
		.allocation = slot,
		.generation = 1,
		.expires_ms = LATE,
		.peer = {.ip = peer.ip},
	};
}

static inline struct tp_command channel(uint32_t slot, struct tp_endpoint peer, uint16_t number)
{
	return (struct tp_command){
		.kind = TP_PUT_CHANNEL,
		.allocation = slot,
		.generation = 1,
		.expires_ms = LATE,
		.peer = peer,
		.channel = number,
	};
}

static inline enum tp_status apply(struct relay *r, struct tp_command c)
{
	return relay_apply(r, &c, T0);
}

static inline enum tp_status apply_until(struct relay *r, struct tp_command c, uint64_t expires_ms)
{
	c.expires_ms = expires_ms;
	return relay_apply(r, &c, T0);
}

static inline enum tp_status drop_as(struct relay *r, struct tp_command put, uint16_t kind)
{
	put.kind = kind;
	return relay_apply(r, &put, T0);
}

static inline struct relay_usage usage(const struct relay *r)
{
	struct relay_usage u;

	relay_usage(r, &u);
	return u;
}

static inline struct relay_decision from_client(
	struct relay *r, struct tp_endpoint client, const void *data, uint32_t length, uint64_t now)
{
	struct relay_from_client in = {
		.data = data,
		.length = length,
		.server = tp_ip_is4(&client.ip) ? 0 : 1,
		.client = client,
	};
	struct relay_decision d;

	memset(&d, 0xee, sizeof(d));
	relay_decide_clients(r, &in, &d, 1, now);
	return d;
}

static inline struct relay_decision on_channel(
	struct relay *r, struct tp_endpoint client, uint16_t number, uint64_t now)
{
	uint8_t data[] = {number >> 8, number & 0xff, 0, 3, 'a', 'b', 'c', 0};

	return from_client(r, client, data, sizeof(data), now);
}

static inline struct relay_decision from_peer(struct relay *r, uint8_t relay, uint16_t port,
	struct tp_endpoint peer, uint32_t length, uint64_t now)
{
	struct relay_from_peer in = {
		.length = length,
		.relay = relay,
		.port = port,
		.peer = peer,
	};
	struct relay_decision d;

	memset(&d, 0xee, sizeof(d));
	relay_decide_peers(r, &in, &d, 1, now);
	return d;
}

// A Send indication with XOR-PEER-ADDRESS and DATA "abc"; returns its length.
static inline uint32_t write_send(uint8_t *b, struct tp_endpoint peer, bool dont_fragment)
{
	static const uint8_t header[] = {
		0x00, 0x16, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	bool ip4 = tp_ip_is4(&peer.ip);
	uint8_t size = ip4 ? 8 : 20;
	uint32_t at = sizeof(header);

	memcpy(b, header, sizeof(header));
	if (dont_fragment) {
		memcpy(b + at, (uint8_t[]){0x00, 0x1a, 0, 0}, 4);
		at += 4;
	}
	memcpy(b + at, (uint8_t[]){0x00, 0x12, 0, size, 0, ip4 ? 1 : 2}, 6);
	b[at + 6] = (uint8_t)((peer.port >> 8) ^ 0x21);
	b[at + 7] = (uint8_t)((peer.port & 0xff) ^ 0x12);
	for (uint32_t i = 0; i < size - 4u; i++)
		b[at + 8 + i] = peer.ip.b[ip4 ? 12 + i : i] ^ header[4 + i];
	at += 4 + size;
	memcpy(b + at, (uint8_t[]){0x00, 0x13, 0, 3, 'a', 'b', 'c', 0}, 8);
	at += 8;
	b[3] = (uint8_t)(at - 20);
	return at;
}

static inline struct relay_decision by_send(
	struct relay *r, struct tp_endpoint client, struct tp_endpoint peer, uint64_t now)
{
	uint8_t data[128];
	uint32_t length = write_send(data, peer, false);

	return from_client(r, client, data, length, now);
}

#define cr_dropped(d, reason) \
	do { \
		struct relay_decision decision = (d); \
		cr_assert(eq(int, decision.verdict, RELAY_DROP)); \
		cr_assert(eq(int, decision.drop, TP_C_##reason)); \
	} while (0)

#define cr_endpoint(actual, expected) \
	do { \
		struct tp_endpoint a_ = (actual), e_ = (expected); \
		cr_assert(eq(int, memcmp(&a_, &e_, sizeof(a_)), 0)); \
	} while (0)
