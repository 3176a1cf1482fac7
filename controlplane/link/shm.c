// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/un.h>

#include "shm_private.h"

static void refuse(struct shm_link *l, const char *why)
{
	fprintf(stderr, "turnpike-control: refused a dataplane: %s\n", why);
	tp_count(&l->counters, TP_CC_attach_refused, 1);
}

static const char *check_capabilities(const struct tp_capabilities *c)
{
	if (!memchr(c->name, 0, sizeof(c->name)))
		return "its name has no end";
	if (c->placement > TP_PLACEMENT_EVERY)
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
	return NULL;
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
}

static void drop_connection(struct shm_link *l)
{
	for (uint32_t i = 0; i < TP_WORKERS_MAX; i++) {
		flight_destroy(&l->worker[i].flight);
		if (l->worker[i].bell >= 0)
			close(l->worker[i].bell);
		l->worker[i].bell = -1;
	}
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
			l->events.outcome(l->events.context, e->id, TP_STATUS_COUNT);
		}
	}
}

static void detach(struct shm_link *l)
{
	bool was = l->attached;

	l->attached = false;
	if (was) {
		fprintf(stderr, "turnpike-control: the dataplane has gone\n");
		l->events.detached(l->events.context);
		fail_all(l);
	}
	drop_connection(l);
}

static const char *greet(struct shm_link *l, const int *fds, uint32_t workers)
{
	const struct tp_dataplane_segment *theirs;
	int welcome[2];
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
	if (why)
		return why;
	welcome[0] = create_own(l);
	if (welcome[0] < 0)
		return "there is no memory for its rings";
	welcome[1] = l->bell;
	err = init_rings(l);
	if (!err) {
		__atomic_store_n(&shm_own(l)->header.magic, TP_MAGIC_CONTROL, __ATOMIC_RELEASE);
		err = tp_greeting_send(
			l->connection, TP_WELCOME_MAGIC, l->header.workers, welcome, 2);
	}
	close(welcome[0]);
	return err ? "its rings are inconsistent, or it hung up" : NULL;
}

static void hello(struct shm_link *l)
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
		refuse(l, why);
		drop_connection(l);
		return;
	}
	init_groups(l);
	l->attached = true;
	fprintf(stderr, "turnpike-control: attached to dataplane %s with %u workers\n",
		l->capabilities.name, l->header.workers);
	l->events.attached(l->events.context, &l->capabilities, l->header.workers);
}

void shm_link_on_socket(struct shm_link *l, uint64_t now_ms)
{
	char byte;
	ssize_t n;

	if (l->connection < 0) {
		l->connection = accept4(
			l->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		l->connected_ms = now_ms;
		return;
	}
	if (!l->attached) {
		hello(l);
		return;
	}
	// An attached dataplane has no more to say: anything but silence is its end.
	n = recv(l->connection, &byte, 1, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	detach(l);
}

static void count_ring_error(struct shm_link *l, int err, enum tp_control_counter bad)
{
	tp_count(&l->counters, err == -EPROTO ? TP_CC_ring_bad : bad, 1);
}

static bool poll_results(struct shm_link *l, struct shm_worker *w, uint32_t budget)
{
	struct tp_result r;
	struct flight_entry ended;
	uint32_t kind;

	while (budget--) {
		int n = tp_ring_next(&w->results, &kind, &r, sizeof(r));

		if (n == -EAGAIN)
			break;
		if (n < 0 || kind != TP_RESULT || n != (int)sizeof(r)) {
			count_ring_error(l, n, TP_CC_result_bad);
			continue;
		}
		switch (flight_result(&w->flight, r.sequence, r.status, &ended)) {
		case 1:
			shm_ended(l, &ended);
			break;
		case 0:
			break;
		default:
			tp_count(&l->counters, TP_CC_result_bad, 1);
		}
	}
	tp_ring_release(&w->results);
	return tp_ring_ready(&w->results);
}

static bool punt_valid(const struct shm_link *l, const struct tp_punt *p, uint32_t length)
{
	return length == sizeof(*p) + p->length && p->server < l->capabilities.servers &&
		p->transport == TP_UDP && p->client.port && !p->client.zero[0] &&
		!p->client.zero[1] && !p->client.zero[2] &&
		tp_ip_is4(&p->client.ip) == tp_ip_is4(&l->capabilities.server[p->server].ip);
}

static bool poll_punts(struct shm_link *l, uint32_t worker, uint32_t budget)
{
	struct shm_worker *w = &l->worker[worker];
	struct {
		struct tp_punt punt;
		uint8_t bytes[TP_PUNT_MAX];
	} p;
	uint32_t kind;

	while (budget--) {
		int n = tp_ring_next(&w->punts, &kind, &p, sizeof(p));

		if (n == -EAGAIN)
			break;
		if (n < (int)sizeof(p.punt) || kind != TP_PUNT ||
			!punt_valid(l, &p.punt, (uint32_t)n)) {
			count_ring_error(l, n, TP_CC_punt_bad);
			continue;
		}
		l->events.punt(l->events.context, worker, &p.punt, p.bytes);
	}
	tp_ring_release(&w->punts);
	return tp_ring_ready(&w->punts);
}

bool shm_link_poll(struct shm_link *l, uint32_t budget)
{
	bool more = false;

	for (uint32_t i = 0; l->attached && i < l->header.workers; i++) {
		more |= poll_results(l, &l->worker[i], budget);
		more |= poll_punts(l, i, budget);
	}
	if (l->wants_room && l->attached) {
		l->wants_room = false;
		l->events.room(l->events.context);
	}
	l->link.ops->flush(&l->link);
	return more;
}

bool shm_link_sleep(struct shm_link *l)
{
	if (!l->attached)
		return true;
	tp_doorbell_sleep(&shm_own(l)->bell);
	for (uint32_t i = 0; i < l->header.workers; i++) {
		if (tp_ring_ready(&l->worker[i].results) || tp_ring_ready(&l->worker[i].punts)) {
			tp_doorbell_awake(&shm_own(l)->bell);
			return false;
		}
	}
	return true;
}

void shm_link_awake(struct shm_link *l)
{
	uint64_t n;

	// Once: a worker that rings without end must not hold us here. EAGAIN is as good.
	if (read(l->bell, &n, sizeof(n)) < 0 && errno != EAGAIN)
		tp_count(&l->counters, TP_CC_ring_bad, 1);
	if (l->attached)
		tp_doorbell_awake(&shm_own(l)->bell);
}

void shm_link_tick(struct shm_link *l, uint64_t now_ms)
{
	if (l->connection >= 0 && !l->attached && now_ms - l->connected_ms > SHM_HELLO_MS) {
		refuse(l, "it did not say hello in time");
		drop_connection(l);
	}
	if (!l->attached)
		return;
	__atomic_store_n(&shm_own(l)->heartbeat.ms, now_ms, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < TP_CONTROL_COUNTER_COUNT; i++)
		__atomic_store_n(&shm_own(l)->counters.value[i], l->counters.value[i],
			__ATOMIC_RELAXED);
}

int shm_link_create(struct shm_link **out, int listener)
{
	struct shm_link *l = aligned_alloc(64, (sizeof(*l) + 63) & ~63ul);

	*out = NULL;
	if (!l)
		return -ENOMEM;
	memset(l, 0, sizeof(*l));
	l->link.ops = &shm_ops;
	l->listener = listener;
	l->connection = -1;
	for (uint32_t i = 0; i < TP_WORKERS_MAX; i++)
		l->worker[i].bell = -1;
	l->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->groups = calloc(SHM_GROUPS, sizeof(*l->groups));
	if (l->bell < 0 || !l->groups) {
		shm_link_destroy(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

void shm_link_destroy(struct shm_link *l)
{
	if (!l)
		return;
	l->attached = false;
	drop_connection(l);
	if (l->bell >= 0)
		close(l->bell);
	free(l->groups);
	free(l);
}

struct link *shm_link_link(struct shm_link *l)
{
	return &l->link;
}

void shm_link_events(struct shm_link *l, const struct link_events *events)
{
	l->events = *events;
}

int shm_link_socket(const struct shm_link *l)
{
	return l->connection >= 0 ? l->connection : l->listener;
}

int shm_link_bell(const struct shm_link *l)
{
	return l->bell;
}

const struct tp_dataplane_segment *shm_link_dataplane(const struct shm_link *l)
{
	return l->attached ? l->theirs.base : NULL;
}

uint32_t shm_link_workers(const struct shm_link *l)
{
	return l->attached ? l->header.workers : 0;
}

const struct tp_counters *shm_link_counters(const struct shm_link *l, uint32_t worker)
{
	return worker < shm_link_workers(l) ? &shm_link_dataplane(l)->worker[worker].counters : NULL;
}

const struct tp_capabilities *shm_link_capabilities(const struct shm_link *l)
{
	return l->attached ? &l->capabilities : NULL;
}

struct tp_counters *shm_link_own_counters(struct shm_link *l)
{
	return &l->counters;
}
