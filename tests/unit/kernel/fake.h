// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The program's maps in plain memory, written as turnpike-kernel writes them, which look after each
// change whether the program could be misled: a client entry without its port or peer.
#pragma once

#include "../relay/fixture.h"

#include <mirror.h>
#include <table.h>

#define FAKE_CLIENTS (2 * ALLOCATIONS + PEERS)
#define FAKE_DESTINATIONS 64

struct fake {
	struct xdp_config config;
	struct xdp_line client[FAKE_CLIENTS + XDP_NEAR -
			       1]; // one home for each: they get into each other's way
	struct xdp_line peer[PEERS + XDP_NEAR - 1];
	struct table clients;
	struct table peers;
	struct xdp_port port[3 * (PORT_MAX - PORT_MIN + 1)];
	struct {
		uint32_t refs;
		struct tp_ip ip;
	} destination[FAKE_DESTINATIONS];
	uint32_t clients_max, peers_max, destinations_max; // how many of each there may be
	uint32_t calls; // of put()
	uint32_t fail; // the so many-th of them from now on fails; 0: none
};

// Empty maps for the relay of relay/fixture.h.
void fake_init(struct fake *f, const struct tp_capabilities *capabilities);
struct mirror *fake_mirror(struct fake *f, const struct tp_capabilities *capabilities);

// What the program finds. `word`: xdp_client_word() or xdp_peer_word().
const struct xdp_line *fake_find(const struct table *t, const struct tp_ip *ip, uint64_t word);
const struct xdp_line *fake_client(const struct fake *f, const struct tp_ip *ip, uint64_t word);
const struct xdp_line *fake_peer(const struct fake *f, const struct tp_ip *ip, uint64_t word);
uint32_t fake_entries(const struct fake *f); // of clients and peers
uint32_t fake_destinations(const struct fake *f); // taken, each as often as it was

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
