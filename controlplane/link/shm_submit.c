// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Transactions on their way down. One worker: commands and reply share its FIFO, and the worker withholds
// the reply if a command fails. Several: the reply waits here until all have answered. Which workers:
// shm_place.c.
#include "shm_private.h"

#define NO_GROUP UINT32_MAX

// Whether the ring surely has room for so many bytes of records, filler included.
static bool has_room(struct shm_link *l, struct shm_worker *w, uint64_t bytes)
{
	int64_t room = tp_ring_room(&w->commands);

	if (room < 0) {
		tp_count(&l->counters, TP_CC_ring_bad, 1);
		return false;
	}
	return (uint64_t)room >= bytes + tp_record_span(sizeof(struct tp_send) + TP_PUNT_MAX);
}

static uint64_t spans(const struct link_transaction *t)
{
	uint64_t n = t->count * tp_record_span(sizeof(struct tp_command));

	return t->reply ? n + tp_record_span(sizeof(struct tp_send) + t->reply->length) : n;
}

// Whether each worker of the set has room.
static bool fits(struct shm_link *l, uint64_t workers, const struct link_transaction *t)
{
	for (; workers; workers &= workers - 1) {
		struct shm_worker *w = &l->worker[__builtin_ctzll(workers)];
		uint32_t reserved = t->reply ? 0 : w->flight.commands_max / SHM_RESERVED;

		if (!flight_has_room(&w->flight, t->count + reserved) || !has_room(l, w, spans(t)))
			return false;
	}
	return true;
}

static void put_send(
	struct shm_worker *w, const struct tp_send *send, const void *bytes, uint64_t transaction)
{
	uint8_t *at = tp_ring_reserve(
		&w->commands, TP_SEND, (uint32_t)sizeof(*send) + send->length);
	struct tp_send copy = *send;

	copy.transaction = transaction;
	memcpy(at, &copy, sizeof(copy));
	memcpy(at + sizeof(copy), bytes, send->length);
}

static void put_commands(struct shm_worker *w, const struct link_transaction *t, uint32_t group)
{
	flight_add(&w->flight, t->id, t->count, group);
	for (uint32_t i = 0; i < t->count; i++) {
		void *at = tp_ring_reserve(&w->commands, TP_COMMAND, sizeof(struct tp_command));

		t->commands[i].sequence = w->flight.next_sequence++;
		t->commands[i].transaction = t->id;
		memcpy(at, &t->commands[i], sizeof(struct tp_command));
	}
}

static uint32_t take_group(struct shm_link *l, const struct link_transaction *t, uint32_t workers)
{
	uint32_t index = l->groups_free;
	struct shm_group *g;

	if (index == NO_GROUP || (!t->reply && l->groups_left <= SHM_GROUPS / SHM_RESERVED) ||
		(t->reply && t->reply->length > sizeof(g->bytes)))
		return NO_GROUP;
	g = &l->groups[index];
	l->groups_free = g->next_free;
	l->groups_left--;
	g->left = workers;
	g->status = TP_STATUS_OK;
	g->reply_worker = LINK_EVERY_WORKER;
	if (t->reply) {
		g->reply_worker = t->worker;
		g->reply = *t->reply;
		memcpy(g->bytes, t->bytes, t->reply->length);
	}
	return index;
}

static int submit(struct link *link, const struct link_transaction *t)
{
	struct shm_link *l = (struct shm_link *)link;
	bool every = t->count && (t->worker == LINK_EVERY_WORKER ||
					 l->capabilities.placement == TP_PLACEMENT_EVERY);
	uint32_t bad = 0, group = 0;
	uint64_t workers;

	if (!l->attached)
		return -ENOTCONN;
	if (t->count > LINK_COMMANDS_MAX || (t->reply && t->reply->length > TP_PUNT_MAX) ||
		(t->worker >= l->header.workers && !every))
		return -EINVAL;
	workers = t->count ? shm_place(l, t, &bad) : 1ull << t->worker;
	if (!fits(l, workers, t))
		goto full;
	if (workers & (workers - 1)) {
		group = take_group(l, t, (uint32_t)__builtin_popcountll(workers));
		if (group == NO_GROUP)
			goto full;
		group++;
	}
	tp_count(&l->counters, TP_CC_owner_bad, bad);
	shm_placed(l, t, workers);
	for (uint64_t rest = t->count ? workers : 0; rest; rest &= rest - 1)
		put_commands(&l->worker[__builtin_ctzll(rest)], t, group);
	if (t->reply && !group)
		put_send(&l->worker[__builtin_ctzll(workers)], t->reply, t->bytes,
			t->count ? t->id : 0);
	return 0;
full:
	l->wants_room = true;
	return -EAGAIN;
}

void shm_ended(struct shm_link *l, const struct flight_entry *e)
{
	uint32_t status = e->status, failed = e->failed;

	if (e->group) {
		struct shm_group *g = &l->groups[e->group - 1];

		if (g->status == TP_STATUS_OK) {
			g->status = status;
			g->failed = failed;
		}
		if (--g->left)
			return;
		status = g->status;
		failed = g->failed;
		if (status == TP_STATUS_OK && g->reply_worker < l->header.workers) {
			struct shm_worker *w = &l->worker[g->reply_worker];

			if (has_room(l, w, tp_record_span(sizeof(g->reply) + g->reply.length)))
				put_send(w, &g->reply, g->bytes, 0);
			else
				tp_count(&l->counters, TP_CC_drop_congested, 1);
		}
		g->next_free = l->groups_free;
		l->groups_free = e->group - 1;
		l->groups_left++;
	}
	l->events.outcome(l->events.context, e->id, status, failed);
}

static uint32_t worker_of(struct link *link, const struct tp_endpoint *client, uint32_t punter)
{
	struct shm_link *l = (struct shm_link *)link;

	if (l->capabilities.placement == TP_PLACEMENT_CLIENT)
		return tp_client_worker(client, l->header.workers);
	return punter < l->header.workers ? punter : 0;
}

static void flush(struct link *link)
{
	struct shm_link *l = (struct shm_link *)link;
	const struct tp_dataplane_segment *theirs = l->theirs.base;

	for (uint32_t i = 0; l->attached && i < l->header.workers; i++) {
		struct shm_worker *w = &l->worker[i];

		if (w->commands.local == w->commands.published)
			continue;
		tp_ring_publish(&w->commands);
		tp_doorbell_ring(&theirs->worker[i].bell, w->bell, &w->rung);
	}
}

const struct link_ops shm_ops = {.submit = submit, .worker = worker_of, .flush = flush};
