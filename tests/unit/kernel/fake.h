// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The program's maps as plain arrays, which look after each change whether the program could be misled: a client
// entry without its port or peer, a value that does not agree with its key.
#pragma once

#include "../relay/fixture.h"

#include <mirror.h>

#define FAKE_CLIENTS (ALLOCATIONS + PEERS)
#define FAKE_HOPS 64

struct fake {
	struct xdp_config config;
	struct {
		bool used;
		struct xdp_client_key key;
		struct xdp_client value;
	} client[FAKE_CLIENTS];
	struct {
		bool used;
		struct xdp_peer_key key;
		struct xdp_peer value;
	} peer[PEERS];
	struct xdp_port port[3 * (PORT_MAX - PORT_MIN + 1)];
	struct {
		uint32_t refs;
		struct tp_ip ip;
	} hop[FAKE_HOPS];
	uint32_t clients_max, peers_max, hops_max; // how many of each there may be
	uint32_t calls; // of put_client and put_peer
	uint32_t fail; // the so many-th of them from now on fails; 0: none
};

// Empty maps for the relay of relay/fixture.h.
void fake_init(struct fake *f, const struct tp_capabilities *capabilities);
struct mirror *fake_mirror(struct fake *f, const struct tp_capabilities *capabilities);

const struct xdp_client *fake_client(const struct fake *f, const struct xdp_client_key *key);
const struct xdp_peer *fake_peer(const struct fake *f, const struct xdp_peer_key *key);
uint32_t fake_entries(const struct fake *f); // of clients and peers
uint32_t fake_hops(const struct fake *f); // taken, each as often as it was

// What the program would do with a packet.
enum fake_verdict {
	FAKE_DROP = 0, // there is no entry
	FAKE_PASS = 1, // up to the sockets
	FAKE_RELAY = 2,
};

// ChannelData, or, with a family as a channel, a Send indication (which still needs the permission).
enum fake_verdict fake_from_client(const struct fake *f, const struct tp_endpoint *client,
	uint16_t channel, uint64_t now, const struct xdp_client **out);
// `channel`: the one to the client; 0: a Data indication.
enum fake_verdict fake_from_peer(const struct fake *f, uint8_t relay, uint16_t port,
	const struct tp_endpoint *peer, uint64_t now, uint16_t *channel);
