// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The configuration as it is written: libcyaml's schema says which keys there are and of what shape; what
// the texts mean is resolve.c's. NULL: not in the file. Numbers are texts too, because libcyaml takes
// "12abc" for 12 and "010" for 8.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "place.h"

struct raw_external {
	char *public_;
	char *local;
};

struct raw_user {
	char *name;
	char *password;
	char *key;
	char *key_sha256;
};

struct raw_redirect {
	char **servers;
	uint32_t servers_count;
	char *domain;
};

struct raw_limits {
	char *allocations;
	char *allocations_per_user;
	char *allocations_per_address;
	char *unauthenticated_per_second, *network_unauthenticated_per_second;
	char *permissions_per_allocation, *channels_per_allocation;
	char *permissions_per_user, *channels_per_user;
	char *new_peers_per_second, *user_new_peers_per_second;
	char *packets_per_second, *bits_per_second;
	char *user_packets_per_second, *user_bits_per_second;
};

struct raw_abuse_log {
	char *file;
	char *max_size;
	char *files;
	char *per_second;
};

struct raw_run_as {
	char *control, *dataplane, *operators;
};

struct raw_dpdk {
	char **eal, **ports, **interfaces, **rss_table;
	uint32_t eal_count, ports_count, interfaces_count, rss_table_count;
	char *exception, *workers, *burst, *rx_ring, *tx_ring, *mbufs, *huge_pages, *mtu;
	char *idle_polls, *idle_latency, *placement, *steering, *rss_key, *rss_hash;
};

struct raw_xdp {
	char **interfaces;
	uint32_t interfaces_count;
	char *mode;
};

struct raw_sockets {
	char *raw;
};

struct raw {
	char **listen, **relay, **secrets, **allow_peers, **deny_peers;
	uint32_t listen_count, relay_count, secrets_count, allow_peers_count, deny_peers_count;
	struct raw_external *external;
	struct raw_user *users;
	uint32_t external_count, users_count;
	struct raw_limits limits;
	struct raw_redirect redirect;
	struct raw_abuse_log abuse_log;
	struct raw_run_as run_as;
	struct raw_dpdk dpdk;
	struct raw_xdp xdp;
	struct raw_sockets sockets;
	char *ports, *realm, *software, *dataplane, *workers, *channel_numbers, *mobility,
		*nat_discovery, *control_socket;
};

// Reads the text by the schema and complains through `place` about its shape. Returns 0, -EINVAL after a
// complaint, or -ENOMEM. An empty file gives an empty struct. raw_free() wipes it and takes NULL.
int raw_load(struct raw **out, const char *yaml, size_t length, struct place *place);
void raw_free(struct raw *raw);
