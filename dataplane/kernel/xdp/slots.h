// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The mirror's records: allocations by slot, and the permissions and channels of each in a list. Everything is
// under the mirror's lock.
#pragma once

#include <pthread.h>

#include "mirror.h"

#define MIRROR_NONE UINT32_MAX

// A permission (port and channel 0) or a channel.
struct mirror_peer {
	struct tp_ip ip; // as the command had it
	uint64_t expires_ms;
	uint32_t generation;
	uint32_t next; // of the same slot, or free
	uint32_t destination; // taken; 0: none
	uint16_t port;
	uint16_t channel;
	bool hairpin; // `ip` is a relay address of ours
};

struct mirror_slot {
	struct tp_endpoint client;
	uint64_t expires_ms;
	uint32_t peers; // first of the list; MIRROR_NONE
	uint32_t favourite; // the channel that is in the port's entry; MIRROR_NONE
	uint32_t destination; // of the client
	uint16_t relay_port;
	uint8_t relay;
	uint8_t server;
	bool limited; // it has a rate: entries pass up, the sockets' tables keep it
	uint8_t next_server; // of a moving one: where its client moves to
	bool moving;
	struct tp_endpoint next;
	uint64_t workers; // that have it, as a set; 0: no allocation
	uint32_t generation;
};

struct mirror {
	pthread_mutex_t lock;
	const struct tp_capabilities *capabilities;
	const struct xdp_config *config;
	struct mirror_ops ops;
	struct mirror_slot *slots;
	struct mirror_peer *peers;
	uint32_t free_peers;
	uint32_t fresh_peers; // the first one never used
	struct mirror_usage usage;
};

// entries.c: from records to the maps' entries.
int entry_put_allocation(struct mirror *m, uint32_t slot);
void entry_delete_allocation(struct mirror *m, uint32_t slot);
// By where a slot's client moves to: passes everything up.
int entry_put_moving(struct mirror *m, uint32_t slot);
void entry_delete_moving(struct mirror *m, uint32_t slot);
int entry_put_channel(struct mirror *m, uint32_t slot, uint32_t peer);
void entry_delete_channel(struct mirror *m, uint32_t slot, uint32_t peer);
int entry_put_peer(struct mirror *m, uint32_t slot, uint32_t peer);
void entry_delete_peer(struct mirror *m, uint32_t slot, uint32_t peer);
void entry_write_port(struct mirror *m, uint32_t slot);
void entry_clear_port(struct mirror *m, uint32_t slot);

// peers.c. The record of this address and port (0: the permission), or MIRROR_NONE.
uint32_t peer_find(const struct mirror *m, uint32_t slot, const struct tp_ip *ip, uint16_t port);
// Commands about permissions and channels of a slot that is there.
int peer_put_permission(struct mirror *m, const struct tp_command *c);
int peer_put_channel(struct mirror *m, const struct tp_command *c);
void peer_drop_permission(struct mirror *m, const struct tp_command *c);
void peer_drop_channel(struct mirror *m, uint32_t slot, uint16_t channel);
// All of a slot that are of another generation.
void peer_sweep(struct mirror *m, uint32_t slot, uint32_t generation);
// Puts every entry of the slot's permissions and channels again: the allocation's expiry has changed.
int peer_refresh_all(struct mirror *m, uint32_t slot);
// Forgets all records of a slot, channels' client entries first; the entries in `peers` go in the second
// step, once nothing leads there.
void peer_delete_channels(struct mirror *m, uint32_t slot);
void peer_forget_all(struct mirror *m, uint32_t slot);
