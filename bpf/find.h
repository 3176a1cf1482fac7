// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// Looking up the tables of line.h.
#pragma once

#include "maps.h"

// An address, and xdp_client_word() or xdp_peer_word().
struct key {
	struct tp_ip ip;
	uint64_t word;
};

// What an entry says. 1: a whole copy, all but the key; 0: another key; -1: it is being written.
static TP_ALWAYS_INLINE int read_line(const volatile struct xdp_line *line, const struct key *key,
	uint64_t mask, struct xdp_line *out)
{
	uint32_t sequence = line->sequence;

	read_order();
	out->word[2] = line->word[2];
	if ((out->word[2] & mask) != key->word || line->word[1] != key->ip.q[1] ||
		line->word[0] != key->ip.q[0])
		return 0;
	out->until = line->until;
	out->word[3] = line->word[3];
	out->word[4] = line->word[4];
	out->word[5] = line->word[5];
	read_order();
	return sequence & 1 || line->sequence != sequence ? -1 : 1;
}

// Where `near` of the home leads: the line that has the key; `home` again: none has.
static TP_ALWAYS_INLINE uint32_t look_near(
	void *map, const struct key *key, uint64_t mask, uint64_t near, uint32_t home)
{
#pragma clang loop unroll(disable)
	for (uint32_t i = 1; i < XDP_NEAR && (near >>= 1); i++) {
		uint32_t at = home + i;
		const volatile struct xdp_line *line;

		if (!(near & 1))
			continue;
		line = bpf_map_lookup_elem(map, &at);
		if (line && (line->word[2] & mask) == key->word && line->word[1] == key->ip.q[1] &&
			line->word[0] == key->ip.q[0])
			return at;
	}
	return home;
}

// Global, so that the verifier looks at the loops once. A key in registers: the stack is short.
__attribute__((noinline)) uint32_t look_near_client(
	uint64_t ip0, uint64_t ip1, uint64_t word, uint64_t near, uint32_t home)
{
	const struct key key = {.ip = {.q = {ip0, ip1}}, .word = word};

	return look_near(&clients, &key, XDP_CLIENT_KEY, near, home);
}

__attribute__((noinline)) uint32_t look_near_peer(
	uint64_t ip0, uint64_t ip1, uint64_t word, uint64_t near, uint32_t home)
{
	const struct key key = {.ip = {.q = {ip0, ip1}}, .word = word};

	return look_near(&peers, &key, XDP_PEER_KEY, near, home);
}

// 1: *out is a whole copy of the entry, but for its key; 0: there is none; -1: it is being written.
static TP_ALWAYS_INLINE int find(bool is_client, const struct key *key, struct xdp_line *out)
{
	void *map = is_client ? (void *)&clients : (void *)&peers;
	uint64_t mask = is_client ? XDP_CLIENT_KEY : XDP_PEER_KEY;
	uint32_t home = xdp_home(&config.hash, &key->ip, key->word,
		is_client ? config.client_homes : config.peer_homes);
	uint32_t at = home;
	const volatile struct xdp_line *line = bpf_map_lookup_elem(map, &at);
	uint64_t near;
	int found;

	if (!line)
		return 0;
	near = line->near;
	read_order();
	found = read_line(line, key, mask, out);
	if (found || !(near >> 1))
		return found;
	at = is_client ? look_near_client(key->ip.q[0], key->ip.q[1], key->word, near, home)
		       : look_near_peer(key->ip.q[0], key->ip.q[1], key->word, near, home);
	if (at == home)
		return 0;
	line = bpf_map_lookup_elem(map, &at);
	return line ? read_line(line, key, mask, out) : 0;
}
