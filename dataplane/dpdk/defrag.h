// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Fragments of UDP datagrams to our addresses become whole datagrams (rte_ip_frag): bounded in
// number and time, then laid out in one piece, as everything behind wants them.
#pragma once

#include <frame.h>
#include <rte_ip_frag.h>

struct worker;

#define DEFRAG_DATAGRAMS 512u // that may be incomplete at a time
// Buffers that they can hold.
#define DEFRAG_FRAMES (DEFRAG_DATAGRAMS * RTE_LIBRTE_IP_FRAG_MAX_FRAG)
#define DEFRAG_MS 2000u

struct defrag {
	struct rte_ip_frag_tbl *table;
	struct rte_ip_frag_death_row dead;
};

// Returns 0 or -ENOMEM.
int defrag_init(struct defrag *d);
void defrag_free(struct defrag *d);

// Whether a fragment is one that we put together: of UDP, and in IPv6 with nothing between the IP
// header and the fragment header.
bool defrag_wants(const struct rte_mbuf *m, const struct frame *f);

// Takes over a fragment. Returns the whole datagram, contiguous, without the IPv6 fragment header
// and with an IPv4 header checksum of 0, or NULL: it isn't whole yet, or was dropped and counted.
struct rte_mbuf *defrag_add(struct worker *w, struct rte_mbuf *m, const struct frame *f);

// Copies a chain into one buffer; frees the chain. NULL: no room, counted.
struct rte_mbuf *defrag_flatten(struct worker *w, struct rte_mbuf *m);

// A whole datagram that is none of ours: to the kernel, in fragments again.
void defrag_undo(struct worker *w, struct rte_mbuf *m, uint8_t port);

// Lets go of what is too old.
void defrag_expire(struct worker *w);
