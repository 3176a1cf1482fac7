// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The link to a dataplane over shared memory (include/turnpike/). One dataplane at a time. The caller
// waits for the descriptors; nothing here blocks.
#pragma once

#include <stdbool.h>

#include "link.h"

struct shm_link;

// `listener` is a listening UNIX SOCK_SEQPACKET socket that stays the caller's. `counters` gets what goes
// wrong while no dataplane is attached; from then on, counts are to be made in shm_link_counters().
// Returns 0 or a negative errno.
int shm_link_create(struct shm_link **out, int listener);
void shm_link_destroy(struct shm_link *l);
struct link *shm_link_link(struct shm_link *l);
void shm_link_events(struct shm_link *l, const struct link_events *events);

// What to wait for, readable: a new connection or the hello or end of the present one (it changes as
// dataplanes come and go: look after each call), and the doorbell, which changes likewise (-1: there is none).
int shm_link_socket(const struct shm_link *l);
int shm_link_bell(const struct shm_link *l);

// The socket is readable: accept, attach or detach.
void shm_link_on_socket(struct shm_link *l, uint64_t now_ms);
// Hands up at most `budget` records a worker and ring. Returns whether there is more. A dataplane whose
// results make no sense is hung up on: attaching again puts both sides in step.
bool shm_link_poll(struct shm_link *l, uint32_t budget);
// Before waiting: asks for the doorbell. Returns false when there is something to do after all.
bool shm_link_sleep(struct shm_link *l);
// After waiting.
void shm_link_awake(struct shm_link *l);
// A few times a second: heartbeat, and connections that never say hello.
void shm_link_tick(struct shm_link *l, uint64_t now_ms);

// The dataplane's segment while one is attached, NULL otherwise. Read every field but once.
const struct tp_dataplane_segment *shm_link_dataplane(const struct shm_link *l);
// Number of workers and their counters, as checked at attach.
uint32_t shm_link_workers(const struct shm_link *l);
const struct tp_counters *shm_link_counters(const struct shm_link *l, uint32_t worker);
// How full a worker's rings are, in bytes: what the control plane has not taken of results and punts, and what
// the worker has not taken of commands. What makes no sense is told as full.
struct shm_fill {
	uint64_t commands, results, punts;
	uint64_t commands_size, results_size, punts_size;
};
void shm_link_fill(const struct shm_link *l, uint32_t worker, struct shm_fill *out);
const struct tp_capabilities *shm_link_capabilities(const struct shm_link *l);
// Where the control plane counts: private memory, published to the segment by shm_link_tick().
struct tp_counters *shm_link_own_counters(struct shm_link *l);
