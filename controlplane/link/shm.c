// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <stdio.h>

#include "shm_private.h"

void shm_link_on_socket(struct shm_link *l, uint64_t now_ms)
{
	char byte;
	ssize_t n;

	if (l->connection < 0) {
		l->connection = accept4(l->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		l->connected_ms = now_ms;
		return;
	}
	if (!l->attached) {
		shm_hello(l);
		return;
	}
	// An attached dataplane has no more to say: anything but silence is its end.
	n = recv(l->connection, &byte, 1, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	shm_detach(l);
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

	while (budget-- && !l->out_of_step) {
		int n = tp_ring_next(&w->results, &kind, &r, sizeof(r));

		if (n == -EAGAIN)
			break;
		if (n < 0 || kind != TP_RESULT || n != (int)sizeof(r)) {
			count_ring_error(l, n, TP_CC_result_bad);
			l->out_of_step = true;
			break;
		}
		switch (flight_result(&w->flight, r.sequence, r.status, &ended)) {
		case 1:
			shm_ended(l, &ended);
			break;
		case 0:
			break;
		default:
			tp_count(&l->counters, TP_CC_result_bad, 1);
			l->out_of_step = true;
		}
	}
	tp_ring_release(&w->results);
	return tp_ring_ready(&w->results);
}

static bool client_valid(const struct shm_link *l, const struct tp_endpoint *client, uint8_t server,
	uint8_t transport)
{
	return server < l->capabilities.servers && transport == TP_UDP && client->port &&
	       !client->zero[0] && !client->zero[1] && !client->zero[2] &&
	       tp_ip_is4(&client->ip) == tp_ip_is4(&l->capabilities.server[server].ip);
}

static bool punt_valid(const struct shm_link *l, const struct tp_punt *p, uint32_t length)
{
	return length >= sizeof(*p) && length == sizeof(*p) + p->length &&
	       client_valid(l, &p->client, p->server, p->transport);
}

static bool arrival(struct shm_link *l, const void *record, uint32_t length)
{
	struct tp_arrival a;

	if (length != sizeof(a))
		return false;
	memcpy(&a, record, sizeof(a));
	if (a.allocation >= l->capabilities.allocations ||
		!client_valid(l, &a.client, a.server, a.transport))
		return false;
	if (l->events.arrival)
		l->events.arrival(l->events.context, &a);
	return true;
}

static void poll_punts(struct shm_link *l, uint32_t worker, uint32_t budget)
{
	struct shm_worker *w = &l->worker[worker];
	struct {
		struct tp_punt punt;
		uint8_t bytes[TP_PUNT_MAX];
	} p;
	uint32_t kind;

	while (w->punts.local != w->punts_seen && budget--) {
		int n = tp_ring_next(&w->punts, &kind, &p, sizeof(p));

		if (n == -EAGAIN)
			break;
		if (n > 0 && kind == TP_ARRIVAL && arrival(l, &p, (uint32_t)n))
			continue;
		if (n < 0 || kind != TP_PUNT || !punt_valid(l, &p.punt, (uint32_t)n)) {
			count_ring_error(l, n, TP_CC_punt_bad);
			continue;
		}
		l->events.punt(l->events.context, worker, &p.punt, p.bytes);
	}
	tp_ring_release(&w->punts);
}

// A client that has its answer may ask for more by way of another worker. What that answer rests on, the results
// that its worker published before it sent it, comes first: so a look sees how far the punts go, then how far the
// results do, and those punts are taken after those results. Results that go on and on, as in a replay, hold up
// nobody: the next look is the next round's.
static void look(struct shm_link *l)
{
	if (l->looked)
		return;
	for (uint32_t i = 0; l->attached && i < l->header.workers; i++)
		l->worker[i].punts_seen = tp_ring_look(&l->worker[i].punts);
	for (uint32_t i = 0; l->attached && i < l->header.workers; i++)
		l->worker[i].results_seen = tp_ring_look(&l->worker[i].results);
}

// Whether the consumer has come as far as it saw. What can't be is not waited for.
static bool has_taken(const struct tp_consumer *c, uint64_t seen)
{
	return seen - c->local - 1 >= c->size || seen % TP_RING_ALIGN;
}

bool shm_link_poll(struct shm_link *l, uint32_t budget)
{
	bool more = false, taken = true;

	look(l);
	for (uint32_t i = 0; l->attached && i < l->header.workers; i++)
		more |= poll_results(l, &l->worker[i], budget);
	for (uint32_t i = 0; i < l->header.workers; i++)
		taken &= has_taken(&l->worker[i].results, l->worker[i].results_seen);
	for (uint32_t i = 0; taken && l->attached && i < l->header.workers; i++)
		poll_punts(l, i, budget);
	l->looked = !taken;
	for (uint32_t i = 0; l->attached && i < l->header.workers; i++)
		more |= tp_ring_ready(&l->worker[i].punts);
	if (l->wants_room && l->attached) {
		l->wants_room = false;
		l->events.room(l->events.context);
	}
	l->link.ops->flush(&l->link);
	if (!l->out_of_step)
		return more;
	fprintf(stderr, "turnpike-control: the dataplane's results make no sense: it has to attach "
			"again\n");
	shm_detach(l);
	return false;
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
	if (!l->attached)
		return;
	// Once: a worker that rings without end must not hold us here.
	if (tp_bell_silence(l->bell) < 0)
		tp_count(&l->counters, TP_CC_ring_bad, 1);
	tp_doorbell_awake(&shm_own(l)->bell);
}

void shm_link_tick(struct shm_link *l, uint64_t now_ms)
{
	if (l->connection >= 0 && !l->attached && now_ms - l->connected_ms > SHM_HELLO_MS) {
		shm_refuse(l, "it did not say hello in time");
		shm_hang_up(l);
	}
	if (!l->attached)
		return;
	__atomic_store_n(&shm_own(l)->heartbeat.ms, now_ms, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < TP_CONTROL_COUNTER_COUNT; i++)
		__atomic_store_n(
			&shm_own(l)->counters.value[i], l->counters.value[i], __ATOMIC_RELAXED);
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
	l->connection = l->bell = -1;
	for (uint32_t i = 0; i < TP_WORKERS_MAX; i++)
		l->worker[i].bell = -1;
	l->groups = calloc(SHM_GROUPS, sizeof(*l->groups));
	if (!l->groups) {
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
	shm_hang_up(l);
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
	return worker < shm_link_workers(l) ? &shm_link_dataplane(l)->worker[worker].counters
					    : NULL;
}

static uint64_t between(
	const struct tp_position *tail, const struct tp_position *head, uint64_t size)
{
	// The head first: it never passes the tail.
	const uint64_t from = __atomic_load_n(&head->value, __ATOMIC_ACQUIRE);
	const uint64_t used = __atomic_load_n(&tail->value, __ATOMIC_ACQUIRE) - from;

	return used < size ? used : size;
}

void shm_link_fill(const struct shm_link *l, uint32_t worker, struct shm_fill *out)
{
	const struct shm_worker *w = &l->worker[worker];

	*out = (struct shm_fill){
		.commands = between(w->commands.tail, w->commands.head, w->commands.size),
		.results = between(w->results.tail, w->results.head, w->results.size),
		.punts = between(w->punts.tail, w->punts.head, w->punts.size),
		.commands_size = w->commands.size,
		.results_size = w->results.size,
		.punts_size = w->punts.size,
	};
}

const struct tp_capabilities *shm_link_capabilities(const struct shm_link *l)
{
	return l->attached ? &l->capabilities : NULL;
}

struct tp_counters *shm_link_own_counters(struct shm_link *l)
{
	return &l->counters;
}
