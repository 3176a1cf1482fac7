// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What arrives on a port, and whose it is (design sections 3 and 5).
#pragma once

#include "handoff.h"
#include "worker.h"

// Takes over frames that arrived on a port: gathers them for decide(), or deals with them at once. At
// most RELAY_BURST between calls of decide().
void receive(struct worker *w, struct rte_mbuf *const *m, unsigned int n, uint8_t port);

// The same with a frame that another worker has handed over.
void receive_handed(struct worker *w, struct rte_mbuf *m, const struct handoff *what);

// A client's packet becomes another's peer data: relayed on one side. decide() counts that it arrived on the other.
void receive_count_hairpin(struct worker *w, uint32_t length);

// A client's packet is another worker's, where it is counted when it comes.
void receive_uncount_client(struct worker *w, uint32_t payload_length);

// Counts what receive() gathered, decides about it, and sends it on.
void decide(struct worker *w);

// Leaves a frame to the kernel, as it came.
void leave_to_kernel(struct worker *w, struct rte_mbuf *m, uint8_t port);
