// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// The tables `clients` and `peers`: arrays of lines that the loader writes through mmap() while the program reads.
//
//   An entry is in the line where its key's hash falls, its home, or in one of the XDP_NEAR - 1 behind: the first
//   that was free. `near` of the home says in which of these lines entries of that home are; so a lookup reads the
//   home, and others only where `near` leads. There are two homes for each entry that there may be.
//
// Roles      One writer at a time (the mirror's lock); the program reads on every CPU.
// Ordering   A line is written whole before the home's `near` leads there, and cleared after it no longer does.
//            Entries never move. So what is there all the time that a lookup takes is found.
// Sequence   of a line: odd while its entry is being written; 2^32 writes during one read would go unnoticed. `near`
//            is a word of its own, stored whole, and not under it.
#pragma once

#include <turnpike/addr.h>

#define XDP_NEAR 64u

// A channel, or, under a family as a channel number, an allocation, which Send indications use: a client may
// have one allocation for each family of relayed addresses.
//   put      after the port, when an allocation is put; when a channel is bound; again with each refresh
//   delete   when the channel or the allocation goes, before the port
// `until` of a channel: the earlier of channel and allocation.
struct xdp_client {
	// The key.
	struct tp_ip ip;
	uint16_t port;
	uint16_t channel; // a channel number, or enum tp_family of the relayed address
	uint8_t server; // index into config.server, where the client reaches us
	// What it says.
	uint8_t relay; // index into config.relay; XDP_HAIRPIN: the peer is a relay address of ours
	uint16_t sum; // a channel's: xdp_sum(relay address, relay port, peer, peer port)
	struct tp_ip peer; // a channel's; zero for an allocation's
	uint16_t peer_port;
	uint16_t relay_port;
	union {
		uint32_t destination; // a channel's: its peer; 0: pass up
		uint32_t allocation; // an allocation's: slot + 1
	};
};
#define XDP_HAIRPIN 0x80u

// A permission (port 0), or the peer of a channel.
//   put      with the permission or channel, before its client entry; again with each refresh
//   delete   with it, after its client entry; all of an allocation before its slot is put again
// `until` of a permission: the earlier of permission and allocation. Of a channel: the earliest of channel,
// permission and allocation, since without a permission nothing goes to the client.
struct xdp_peer {
	// The key.
	struct tp_ip ip; // one of our own addresses: the public form
	uint32_t allocation; // slot + 1
	uint16_t port;
	// What it says.
	uint16_t channel; // 0: a permission
	uint32_t destination; // as a client's
	uint32_t hairpin; // 1: the peer is a relay address of ours
	uint64_t zero[2];
};

struct xdp_line {
	uint64_t near; // bit i: an entry of which this is the home is in the line i further on
	uint32_t sequence;
	uint32_t until; // how long what the entry says holds
	union {
		uint64_t word
			[6]; // [0] and [1]: an address; [2]: the rest of the key; 0: nothing is here
		struct xdp_client client;
		struct xdp_peer peer;
	};
};
_Static_assert(
	sizeof(struct xdp_client) == 48 && sizeof(struct xdp_peer) == 48, "no hidden padding");
_Static_assert(sizeof(struct xdp_line) == 64, "one line, for both families");

// What of word[2] is the key, and that key.
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define XDP_CLIENT_KEY 0xffffffffffull
#define XDP_PEER_KEY 0xffffffffffffull
#define XDP_FIELD(value, at, bytes) ((uint64_t)(value) << 8 * (at))
#else
#define XDP_CLIENT_KEY (0xffffffffffull << 24)
#define XDP_PEER_KEY (0xffffffffffffull << 16)
#define XDP_FIELD(value, at, bytes) ((uint64_t)(value) << 8 * (8 - (at) - (bytes)))
#endif

static inline uint64_t xdp_client_word(uint16_t port, uint16_t channel, uint8_t server)
{
	return XDP_FIELD(port, 0, 2) | XDP_FIELD(channel, 2, 2) | XDP_FIELD(server, 4, 1);
}

// `allocation`: slot + 1.
static inline uint64_t xdp_peer_word(uint32_t allocation, uint16_t port)
{
	return XDP_FIELD(allocation, 0, 4) | XDP_FIELD(port, 4, 2);
}

// Secret: strangers can't tell which keys have one home.
struct xdp_hash {
	uint64_t k[6];
};

// Lines of the map of a table with so many homes.
static inline uint32_t xdp_lines(uint32_t homes)
{
	return homes + XDP_NEAR - 1;
}

// `word`: word[2] under the mask. Pair-multiply-shift (Thorup, High Speed Hashing for Integers and Strings, 2015): any
// two keys have one home with the probability of chance, over the secrets. 128-bit products, as relay/hash.h has
// them, are none for BPF, and these three don't wait for each other.
static inline uint32_t xdp_home(
	const volatile struct xdp_hash *hash, const struct tp_ip *ip, uint64_t word, uint32_t homes)
{
	uint64_t h = (hash->k[0] + (uint32_t)ip->q[0]) * (hash->k[1] + (ip->q[0] >> 32)) +
		     (hash->k[2] + (uint32_t)ip->q[1]) * (hash->k[3] + (ip->q[1] >> 32)) +
		     (hash->k[4] + (uint32_t)word) * (hash->k[5] + (word >> 32));

	return (uint32_t)((h >> 32) * homes >> 32);
}
