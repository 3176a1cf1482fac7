// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "worker.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include <monotonic.h>

#include "event.h"
#include "xdp/mirror.h"

#define EVENTS_ROUND 128 // sockets looked at in one round
#define DEAF_MS 10 // between looks at the rings, where no bell can be waited for

static int watch(struct worker *w, int fd, uint64_t tag)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static enum tp_status apply_here(struct worker *w, const struct tp_command *command)
{
	if (command->kind == TP_PUT_ALLOCATION)
		return relay_socket_put(w, command);
	return relay_apply(w->agent.relay, command, w->agent.now);
}

// What the XDP program's maps had no room for must not be in force here: it would drop those packets.
static enum tp_status take_back(struct worker *w, const struct tp_command *command)
{
	struct tp_command drop = *command;

	if (command->kind == TP_MOVE_ALLOCATION) {
		relay_stay(w->agent.relay, command->allocation);
		return TP_STATUS_NO_SPACE;
	}
	drop.kind = command->kind == TP_PUT_ALLOCATION   ? TP_DROP_ALLOCATION
		    : command->kind == TP_PUT_PERMISSION ? TP_DROP_PERMISSION
							 : TP_DROP_CHANNEL;
	relay_apply(w->agent.relay, &drop, w->agent.now);
	return TP_STATUS_NO_SPACE;
}

static enum tp_status apply(void *context, const struct tp_command *command)
{
	struct worker *w = context;
	enum tp_status status = apply_here(w, command);

	if (status != TP_STATUS_OK || !w->mirror ||
		mirror_apply(w->mirror, w->agent.index, command) == 0)
		return status;
	return take_back(w, command);
}

static uint32_t sweep(void *context, const struct tp_command *command, uint32_t from)
{
	struct worker *w = context;

	return w->mirror ? mirror_sweep(w->mirror, w->agent.index, command->generation, from) : 0;
}

static void queue_reply(void *context, const struct tp_send *send, const uint8_t *bytes)
{
	struct worker *w = context;
	struct transmit_item *item = transmit_next(&w->transmit);

	*item = (struct transmit_item){.fd = w->listener[send->server].fd,
		.usual = &w->listener[send->server].usual,
		.kind = TRANSMIT_REPLY,
		.header = TRANSMIT_OWN,
		.parts = 1,
		.part = {{(void *)bytes, send->length}},
		.to = send->client};
}

static void flush(void *context)
{
	transmit_flush(context);
}

static void listen_to(void *context, int bell)
{
	struct worker *w = context;

	if (w->bell >= 0)
		epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->bell, NULL);
	w->bell = bell;
	w->deaf = bell >= 0 && watch(w, bell, event_tag(EVENT_BELL, 0)) < 0;
}

int worker_init(struct worker *w, const struct worker_setup *setup)
{
	const struct tp_capabilities *caps = &setup->segment->shared->capabilities;
	struct relay_config config = {
		.capabilities = *caps, .secret = {tp_random64(), tp_random64()}};
	int err;

	*w = (struct worker){
		.owners = setup->owners, .mirror = setup->mirror, .bell = -1, .raw.fd = -1};
	agent_init(&w->agent, setup->index, setup->segment,
		&(struct agent_ops){.apply = apply,
			.sweep = sweep,
			.send = queue_reply,
			.flush = flush,
			.listen = listen_to,
			.context = w});
	for (uint32_t i = 0; i < caps->servers; i++)
		w->listener[i].fd = setup->listener[i];
	for (uint32_t i = 0; i < caps->relays; i++)
		w->nat |= !tp_ip_equal(&caps->relay[i].local, &caps->relay[i].public_);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->owners->epoll[setup->index] = w->epoll;
	err = w->epoll < 0 ? -errno : watch(w, w->agent.wake, event_tag(EVENT_WAKE, 0));
	for (uint32_t i = 0; !err && i < caps->servers; i++)
		err = watch(w, w->listener[i].fd, event_tag(EVENT_LISTENER, i));
	if (!err)
		err = receive_init(&w->receive);
	if (!err)
		err = relay_sockets_init(&w->sockets, caps);
	if (!err)
		err = raw_sender_init(&w->raw, setup->raw);
	if (!err)
		err = relay_create(&w->agent.relay, &config);
	if (err) {
		worker_free(w);
		return err;
	}
	raw_follow(setup->raw, w->agent.relay);
	relay_on_dropped(w->agent.relay, relay_socket_dropped, w);
	return 0;
}

void worker_free(struct worker *w)
{
	relay_destroy(w->agent.relay);
	relay_sockets_free(w);
	receive_free(&w->receive);
	raw_sender_free(&w->raw);
	for (uint32_t i = 0; i < w->agent.capabilities->servers; i++)
		close(w->listener[i].fd);
	if (w->epoll >= 0)
		close(w->epoll);
}

// Waits for events, and sees to it that a command that is pushed meanwhile ends the wait.
static int wait_events(struct worker *w, struct epoll_event *events, int timeout_ms)
{
	int n;

	if (timeout_ms == 0)
		return epoll_wait(w->epoll, events, EVENTS_ROUND, 0);
	tp_doorbell_sleep(&w->agent.out->bell);
	n = epoll_wait(w->epoll, events, EVENTS_ROUND, agent_ready(&w->agent) ? 0 : timeout_ms);
	tp_doorbell_awake(&w->agent.out->bell);
	return n;
}

// Silences what ended the wait.
static void be_awake(struct worker *w, enum event_kind kind)
{
	uint64_t wakes;

	if ((kind == EVENT_BELL && tp_bell_silence(w->bell) < 0) ||
		(kind == EVENT_WAKE && read(w->agent.wake, &wakes, sizeof(wakes)) < 0 &&
			errno != EAGAIN))
		tally_add(&w->agent.tally, TP_C_rx_error, 1);
}

unsigned int worker_round(struct worker *w, int timeout_ms)
{
	struct epoll_event events[EVENTS_ROUND];
	int n = wait_events(w, events, timeout_ms);
	unsigned int work;

	w->agent.now = monotonic_ms();
	for (int i = 0; i < n; i++)
		be_awake(w, event_kind(events[i].data.u64));
	agent_follow(&w->agent);
	work = agent_run(&w->agent);
	for (int i = 0; i < n; i++) {
		uint64_t tag = events[i].data.u64;

		if (event_kind(tag) == EVENT_RELAY)
			work += worker_peers(w, event_index(tag), events[i].events & EPOLLERR);
	}
	worker_peers_finish(w);
	for (int i = 0; i < n; i++) {
		uint64_t tag = events[i].data.u64;

		if (event_kind(tag) == EVENT_LISTENER)
			work += worker_clients(w, (uint8_t)event_index(tag));
	}
	agent_publish(&w->agent);
	return work;
}

static void *run(void *context)
{
	struct worker *w = context;
	unsigned int work = 0;

	// After a round with work the next one only looks: while it is busy nobody needs to wake
	// it.
	while (!atomic_load_explicit(&w->agent.stop, memory_order_relaxed))
		work = worker_round(w, work ? 0 : w->deaf ? DEAF_MS : -1);
	return NULL;
}

// The CPU for worker `index`: the index-th of those that the process may use.
static bool choose_cpu(uint32_t index, cpu_set_t *out)
{
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return false;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || index--)
			continue;
		CPU_ZERO(out);
		CPU_SET(cpu, out);
		return true;
	}
	return false;
}

int worker_start(struct worker *w, bool pin)
{
	pthread_attr_t attributes;
	cpu_set_t cpu;
	int err;

	pthread_attr_init(&attributes);
	if (pin && choose_cpu(w->agent.index, &cpu))
		pthread_attr_setaffinity_np(&attributes, sizeof(cpu), &cpu);
	err = pthread_create(&w->thread, &attributes, run, w);
	pthread_attr_destroy(&attributes);
	return -err;
}
