// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A dataplane of the tests' own on one end of the link, and a note of what the link hands up on the other.
#pragma once

#include <turnpike/attach.h>
#include <turnpike/wire.h>

#include "../../../controlplane/link/shm.h"

#define PLANE_WORKERS 2u
#define PLANE_RESULTS 4096u
#define PLANE_PUNTS 16384u
#define PLANE_NOTES 8192u
#define PLANE_PORT_REFUSED 60000u // as port_max: the server refuses this dataplane

struct plane {
	int listener; // the link's
	struct shm_link *link;
	struct link *ops;
	int socket; // the dataplane's end
	int bells[PLANE_WORKERS][2]; // tp_bell_make()
	struct tp_mapping own; // the dataplane's segment, read-write
	struct tp_mapping control;
	struct tp_consumer commands[PLANE_WORKERS];
	struct tp_producer results[PLANE_WORKERS];
	struct tp_producer punts[PLANE_WORKERS];

	// What came up.
	unsigned int attached, detached, room, outcomes, punted;
	struct {
		uint64_t id;
		uint32_t status;
		uint32_t failed;
	} outcome[PLANE_NOTES];
	struct tp_punt punt;
	uint8_t punt_bytes[TP_PUNT_MAX];
	uint32_t punt_worker;
	unsigned int arrivals;
	struct tp_arrival arrival;
	unsigned int outcomes_by_punt; // how many had come up when it did
	void (*on_punt)(struct plane *p); // what the dataplane does meanwhile, if anything
};

// Opens a listening socket and a link on it.
void plane_open(struct plane *p);
void plane_close(struct plane *p);

// A segment as an honest dataplane fills it, but for its magic. Returns its descriptor.
int plane_segment(struct plane *p, uint32_t workers, enum tp_placement placement);
// Connects, says hello with this segment, and lets the link look. Returns whether it attached.
bool plane_hello(struct plane *p, int segment, uint32_t workers);
// All of that, honestly, and takes over the rings.
void plane_attach(struct plane *p, enum tp_placement placement);
void plane_hang_up(struct plane *p);

static inline struct tp_dataplane_segment *plane_own(struct plane *p)
{
	return p->own.base;
}

// The byte that says who owns a relay port, under TP_PLACEMENT_OWNER: at first worker 0 the even ports and
// worker 1 the odd ones.
uint8_t *plane_owner(struct plane *p, uint16_t port);
// Takes the next command of a worker; fails the test if there is none.
struct tp_command plane_command(struct plane *p, uint32_t worker);
// Takes the next send; the bytes into `bytes`.
struct tp_send plane_send(struct plane *p, uint32_t worker, uint8_t bytes[TP_PUNT_MAX]);
struct tp_punt plane_honest_punt(void); // of four bytes
bool plane_idle(struct plane *p, uint32_t worker); // no record waits
void plane_result(struct plane *p, uint32_t worker, const struct tp_command *c, uint32_t status);
// Any record, published.
void plane_put(struct tp_producer *ring, uint32_t kind, const void *bytes, uint32_t length);
uint64_t plane_counter(struct plane *p, enum tp_control_counter c);
