// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// How a dataplane comes and goes: hello, the checks of what it brings, welcome, and its end.
#include <stdio.h>

#include "shm_private.h"

void shm_refuse(struct shm_link *l, const char *why)
{
	fprintf(stderr, "turnpike-control: refused a dataplane: %s\n", why);
	tp_count(&l->counters, TP_CC_attach_refused, 1);
}

// Whether a text ends within its room, and can be shown.
static bool printable(const char *text, size_t size)
{
	if (!memchr(text, 0, size))
		return false;
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static const char *check_interfaces(const struct tp_capabilities *c)
{
	if (c->interfaces > TP_INTERFACES_MAX)
		return "it has too many interfaces";
	for (uint32_t i = 0; i < c->interfaces; i++) {
		const struct tp_interface *f = &c->interface[i];

		if (!printable(f->name, sizeof(f->name)) ||
			!printable(f->driver, sizeof(f->driver)) ||
			!printable(f->why, sizeof(f->why)) || f->mode > TP_XDP_GENERIC)
			return "what it says about an interface is out of bounds";
	}
	return NULL;
}

static const char *check_capabilities(const struct tp_capabilities *c)
{
	if (!memchr(c->name, 0, sizeof(c->name)))
		return "its name has no end";
	if (!printable(c->name, sizeof(c->name)))
		return "its name is not printable";
	if (c->placement > TP_PLACEMENT_OWNER)
		return "its placement of relay ports is unknown";
	if (!c->servers || c->servers > TP_SERVERS_MAX || !c->relays || c->relays > TP_RELAYS_MAX)
		return "it has no addresses, or too many";
	if (!c->allocations || c->allocations > TP_ALLOCATIONS_MAX)
		return "its capacity is out of bounds";
	if (!c->port_min || c->port_min > c->port_max)
		return "its relay ports are out of bounds";
	for (uint32_t i = 0; i < c->servers; i++) {
		if (!c->server[i].port)
			return "a server address has no port";
	}
	return check_interfaces(c);
}

// Makes our segment for a dataplane with so many workers. Returns the descriptor to hand over.
static int create_own(struct shm_link *l)
{
	struct tp_header h = {.abi = TP_ABI,
		.workers = l->header.workers,
		.commands = SHM_COMMANDS_SIZE,
		.pid = (uint32_t)getpid(),
		.epoch = tp_random64()};
	int fd;

	h.size = tp_control_size(&h);
	fd = tp_segment_create("turnpike-control", h.size, &l->own);
	if (fd < 0)
		return fd;
	memcpy(&shm_own(l)->header, &h, sizeof(h));
	return fd;
}

static int init_rings(struct shm_link *l)
{
	const struct tp_dataplane_segment *theirs = l->theirs.base;
	const uint8_t *their_base = l->theirs.base;
	uint8_t *own_base = l->own.base;
	uint64_t results = l->header.results / TP_RING_ALIGN;

	for (uint32_t i = 0; i < l->header.workers; i++) {
		struct shm_worker *w = &l->worker[i];
		const struct tp_worker_out *out = &theirs->worker[i];
		struct tp_worker_in *in = &shm_own(l)->worker[i];
		int err = flight_create(
			&w->flight, results < SHM_FLIGHT_MAX ? (uint32_t)results : SHM_FLIGHT_MAX);

		if (!err)
			err = tp_producer_init(&w->commands,
				own_base + tp_commands_offset(&shm_own(l)->header, i),
				SHM_COMMANDS_SIZE, &in->commands_tail, &out->commands_head);
		if (!err)
			err = tp_consumer_init(&w->results,
				their_base + tp_results_offset(&l->header, i), l->header.results,
				&out->results_tail, &in->results_head);
		if (!err)
			err = tp_consumer_init(&w->punts,
				their_base + tp_punts_offset(&l->header, i), l->header.punts,
				&out->punts_tail, &in->punts_head);
		if (err)
			return err;
		w->rung = 0;
	}
	return 0;
}

static void init_groups(struct shm_link *l)
{
	for (uint32_t i = 0; i < SHM_GROUPS; i++)
		l->groups[i] = (struct shm_group){
			.next_free = i + 1 < SHM_GROUPS ? i + 1 : UINT32_MAX};
	l->groups_free = 0;
	l->groups_left = SHM_GROUPS;
}

void shm_hang_up(struct shm_link *l)
{
	for (uint32_t i = 0; i < TP_WORKERS_MAX; i++) {
		flight_destroy(&l->worker[i].flight);
		if (l->worker[i].bell >= 0)
			close(l->worker[i].bell);
		l->worker[i].bell = -1;
	}
	if (l->bell >= 0)
		close(l->bell);
	l->bell = -1;
	shm_place_end(l);
	tp_unmap(&l->own);
	tp_unmap(&l->theirs);
	if (l->connection >= 0)
		close(l->connection);
	l->connection = -1;
}

// What was under way has no outcome any more but this.
static void fail_all(struct shm_link *l)
{
	for (uint32_t i = 0; i < l->header.workers; i++) {
		struct flight *f = &l->worker[i].flight;

		for (; f->head != f->tail; f->head++) {
			const struct flight_entry *e = &f->entries[f->head & f->mask];

			if (e->group && --l->groups[e->group - 1].left)
				continue;
			l->events.outcome(l->events.context, e->id, TP_STATUS_COUNT, 0);
		}
	}
}

void shm_detach(struct shm_link *l)
{
	bool was = l->attached;

	l->attached = false;
	l->out_of_step = l->looked = false;
	if (was) {
		fprintf(stderr, "turnpike-control: the dataplane has gone\n");
		l->events.detached(l->events.context);
		fail_all(l);
	}
	shm_hang_up(l);
}

static const char *greet(struct shm_link *l, const int *fds, uint32_t workers)
{
	const struct tp_dataplane_segment *theirs;
	int bell[2], welcome[2];
	int err;
	const char *why;

	err = tp_segment_map(fds[0], TP_MAGIC_DATAPLANE, &l->theirs);
	if (err == -EPERM)
		return "its segment is not sealed";
	if (err)
		return "its segment is not of this version, or not whole";
	theirs = l->theirs.base;
	l->header = l->theirs.header;
	if (l->header.workers != workers)
		return "it has another number of workers than it says";
	memcpy(&l->capabilities, &theirs->capabilities, sizeof(l->capabilities));
	why = check_capabilities(&l->capabilities);
	if (!why && l->events.refuse)
		why = l->events.refuse(l->events.context, &l->capabilities);
	if (!why)
		why = shm_place_begin(l);
	if (why)
		return why;
	if (tp_bell_make(bell) < 0)
		return "no doorbell can be made for it";
	l->bell = bell[0];
	welcome[1] = bell[1];
	welcome[0] = create_own(l);
	if (welcome[0] < 0) {
		close(welcome[1]);
		return "there is no memory for its rings";
	}
	err = init_rings(l);
	if (!err) {
		__atomic_store_n(&shm_own(l)->header.magic, TP_MAGIC_CONTROL, __ATOMIC_RELEASE);
		err = tp_greeting_send(
			l->connection, TP_WELCOME_MAGIC, l->header.workers, welcome, 2);
	}
	close(welcome[0]);
	close(welcome[1]);
	return err ? "its rings are inconsistent, or it hung up" : NULL;
}

void shm_hello(struct shm_link *l)
{
	int fds[TP_WORKERS_MAX + 1];
	uint32_t n;
	int workers = tp_greeting_receive(
		l->connection, TP_HELLO_MAGIC, fds, TP_WORKERS_MAX + 1, &n);
	const char *why = NULL;

	if (workers == -EAGAIN)
		return;
	if (workers < 0) {
		why = "it did not say hello";
	} else {
		for (uint32_t i = 1; i < n; i++)
			l->worker[i - 1].bell = fds[i];
		why = greet(l, fds, (uint32_t)workers);
		close(fds[0]);
	}
	if (why) {
		shm_refuse(l, why);
		shm_hang_up(l);
		return;
	}
	init_groups(l);
	l->attached = true;
	fprintf(stderr, "turnpike-control: attached to dataplane %s with %u workers\n",
		l->capabilities.name, l->header.workers);
	l->events.attached(l->events.context, &l->capabilities, l->header.workers);
}
