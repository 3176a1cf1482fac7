// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Receive side scaling, as far as it tells to which queue a NIC brings a relay port: Toeplitz' hash
// over fields of the packet, and a table from its lowest bits to queues.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

#define RSS_KEY_MIN 40u // bytes
#define RSS_KEY_MAX 52u
#define RSS_TABLE_MAX 512u

// What is hashed.
enum rss_hash {
	RSS_4_TUPLE = 0, // a peer's address and port among it, which nobody knows beforehand
	RSS_DESTINATION = 1, // address and port
	RSS_DESTINATION_PORT = 2,
};

struct rss {
	uint32_t key_length; // bytes; 0: no key was given
	uint8_t key[RSS_KEY_MAX];
	enum rss_hash hash;
	uint32_t table_size; // a power of two
	uint8_t table[RSS_TABLE_MAX]; // queues
};

// Toeplitz' hash of `length` bytes, at most as many as the key has less 4.
uint32_t rss_toeplitz(const uint8_t *key, const uint8_t *data, uint32_t length);

// Whether a relay address and port are all it takes to know the queue.
bool rss_tells(const struct rss *r);

// The queue of what is sent to this address and port. rss_tells() is true.
uint32_t rss_queue(const struct rss *r, const struct tp_ip *ip, uint16_t port);

// Queue after queue: the table of whoever gives none.
void rss_spread(struct rss *r, uint32_t queues);

// Options. Return whether all of `text` is one: hex digits of a key; "4-tuple", "destination" or
// "destination-port"; queues with commas between them, a power of two of them.
bool rss_parse_key(struct rss *r, const char *text);
bool rss_parse_hash(struct rss *r, const char *text);
bool rss_parse_table(struct rss *r, const char *text);
