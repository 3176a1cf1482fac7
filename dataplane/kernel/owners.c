// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "owners.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "event.h"

int owners_init(struct owners *o, const struct tp_capabilities *capabilities)
{
	uint32_t count = tp_owners_size(capabilities);

	*o = (struct owners){.worker = calloc(count, sizeof(*o->worker)),
		.socket = calloc(count, sizeof(*o->socket))};
	if (!o->worker || !o->socket) {
		free(o->worker);
		free(o->socket);
		*o = (struct owners){0};
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < OWNERS_LOCKS; i++)
		pthread_mutex_init(&o->lock[i], NULL);
	return 0;
}

void owners_free(struct owners *o)
{
	if (!o->worker)
		return;
	for (uint32_t i = 0; i < OWNERS_LOCKS; i++)
		pthread_mutex_destroy(&o->lock[i]);
	free(o->worker);
	free(o->socket);
	*o = (struct owners){0};
}

static pthread_mutex_t *lock_of(struct owners *o, uint32_t index)
{
	return &o->lock[index % OWNERS_LOCKS];
}

int owners_take(struct owners *o, uint32_t index, uint32_t worker, uint32_t allocation,
	owners_open_fn *open, void *context)
{
	struct owner_socket *s = &o->socket[index];
	int fd;

	pthread_mutex_lock(lock_of(o, index));
	if (s->workers && s->allocation == allocation) {
		s->workers |= 1ull << worker;
		fd = s->fd;
	} else {
		fd = open(context);
		if (fd >= 0) {
			*s = (struct owner_socket){
				.workers = 1ull << worker, .allocation = allocation, .fd = fd};
			__atomic_store_n(
				&o->worker[index], (uint8_t)(worker + 1), __ATOMIC_RELAXED);
		}
	}
	pthread_mutex_unlock(lock_of(o, index));
	return fd;
}

bool owners_alone(struct owners *o, uint32_t index, uint32_t worker)
{
	bool alone;

	pthread_mutex_lock(lock_of(o, index));
	alone = o->socket[index].workers == 1ull << worker;
	pthread_mutex_unlock(lock_of(o, index));
	return alone;
}

// The first that still has it reads on. What arrives between the two calls waits in the socket.
static void hand_on(struct owners *o, uint32_t index, uint32_t worker)
{
	const struct owner_socket *s = &o->socket[index];
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = event_tag(EVENT_RELAY, index)};
	uint32_t next;

	epoll_ctl(o->epoll[worker], EPOLL_CTL_DEL, s->fd, NULL);
	if (!s->workers) {
		__atomic_store_n(&o->worker[index], 0, __ATOMIC_RELAXED);
		return;
	}
	next = (uint32_t)__builtin_ctzll(s->workers);
	__atomic_store_n(&o->worker[index], (uint8_t)(next + 1), __ATOMIC_RELAXED);
	// What it takes the first has just given back.
	epoll_ctl(o->epoll[next], EPOLL_CTL_ADD, s->fd, &event);
}

void owners_leave(struct owners *o, uint32_t index, uint32_t worker)
{
	struct owner_socket *s = &o->socket[index];

	pthread_mutex_lock(lock_of(o, index));
	s->workers &= ~(1ull << worker);
	if (o->worker[index] == worker + 1)
		hand_on(o, index, worker);
	if (!s->workers)
		close(s->fd);
	pthread_mutex_unlock(lock_of(o, index));
}
