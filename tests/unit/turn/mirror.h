// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What a dataplane that was told these commands has: the plainest one there could be.
#pragma once

#include <stdbool.h>

#include <turnpike/segment.h>
#include <turnpike/wire.h>

#define MIRROR_SLOTS 512u
#define MIRROR_PEERS 512u // of one allocation

struct mirror_peer {
	struct tp_endpoint peer; // of a permission, port 0
	uint64_t expires_ms;
	uint32_t generation;
	uint16_t channel; // 0: a permission
	bool used;
};

struct mirror_slot {
	struct tp_command put; // kind 0: free
	struct tp_command move; // kind 0: its client stays
	struct mirror_peer *peers;
	uint32_t peers_used; // no peer stands at or after this
};

struct mirror {
	struct tp_capabilities capabilities;
	struct mirror_slot slots[MIRROR_SLOTS];
};

// Does what a command says. Returns its status: what no control plane should send is TP_STATUS_INVALID.
enum tp_status mirror_apply(struct mirror *m, const struct tp_command *c);
// Forgets all.
void mirror_clear(struct mirror *m);
const struct mirror_peer *mirror_find(
	const struct mirror *m, uint32_t slot, const struct tp_ip *ip, uint16_t channel);
uint32_t mirror_count(const struct mirror *m); // allocations
uint32_t mirror_peers(const struct mirror *m); // permissions and channels
