// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the XDP program's maps hold, kept in step with the workers' tables: each command that a table took is
// taken here too, before its answer leaves, and goes into the maps in the order that bpf/state.h asks for.
//
// One mirror for all workers, since an allocation slot may move from one to another before the first has swept
// it; a lock, which commands take and packets don't.
#pragma once

#include <turnpike/segment.h>

#include <state.h>

struct mirror;

enum mirror_table {
	MIRROR_CLIENTS,
	MIRROR_PEERS,
};

// Where entries go. Putting returns 0 or a negative errno; deleting what isn't there succeeds, and looks at the key
// alone. `port` is an index as of xdp_port_index(). `take_destination`: one of dataplane/nexthop/ for an address (0:
// there is no more). `context` is the owner's.
struct mirror_ops {
	int (*put)(void *context, enum mirror_table table, const struct xdp_line *entry);
	void (*delete)(void *context, enum mirror_table table, const struct xdp_line *entry);
	void (*write_port)(void *context, uint32_t port, const struct xdp_port *entry);
	uint32_t (*take_destination)(void *context, const struct tp_ip *ip);
	void (*give_back_destination)(void *context, uint32_t destination);
	void *context;
};

// What all workers together hold, for tests and status.
struct mirror_usage {
	uint32_t allocations;
	uint32_t peers; // permissions and channels
};

// Takes all the memory that it will need. `config` is what the program was loaded with. Both, and
// `ops->context`, must outlive it. Returns 0 or -ENOMEM.
int mirror_create(struct mirror **out, const struct tp_capabilities *capabilities,
	const struct xdp_config *config, const struct mirror_ops *ops);
// NULL: nothing. The maps are left as they are.
void mirror_destroy(struct mirror *m);

// Takes over a command that the tables of `worker` took, any but TP_SWEEP. Returns 0; or -ENOSPC or what a map
// said, and then nothing is left of what the command would have made: its worker has to undo it too, and may then
// answer with an error.
int mirror_apply(struct mirror *m, uint32_t worker, const struct tp_command *command);

// A part of a TP_SWEEP that is through in the tables of `worker`: MIRROR_SWEEP_LOOK slots from `from` on, of whose
// permissions and channels those of another generation go. Returns where to go on, 0 when all have been looked at.
#define MIRROR_SWEEP_LOOK 128u // some tens of microseconds, in which nobody else has the lock
uint32_t mirror_sweep(struct mirror *m, uint32_t worker, uint32_t generation, uint32_t from);

// The tables of `worker` are about to drop this slot's allocation.
void mirror_dropped(struct mirror *m, uint32_t worker, uint32_t slot);

void mirror_usage(struct mirror *m, struct mirror_usage *out);
