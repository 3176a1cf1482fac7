// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Sending a datagram in fragments: IPv4 (RFC 791 section 2.3) and IPv6 (RFC 8200 section 4.5).
// Copies, so that every buffer a port is given is whole and comes from one pool;
// rte_ipv6_fragment_packet() numbers every packet 0 and hands out references.
#pragma once

#include <rte_mbuf.h>

#define FRAGMENTS_MAX 64u // of 65,535 bytes at IPv6's smallest MTU, and to spare

// Makes fragments of the contiguous frame in `m`, which stays the caller's, so that their IP
// packets have at most `mtu` bytes, for IPv6 at most 1280 (RFC 8656 section 13.1). `id` is IPv6's.
// Returns how many; -ENOMEM: no buffers; -EINVAL: no IPv4 or IPv6 packet, or one that can't be sent
// in FRAGMENTS_MAX.
int fragment(const struct rte_mbuf *m, uint16_t mtu, uint32_t id, struct rte_mempool *pool,
	struct rte_mbuf *out[FRAGMENTS_MAX]);
