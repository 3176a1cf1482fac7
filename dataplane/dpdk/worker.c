// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include <monotonic.h>

#include "capabilities.h"
#include "forward.h"
#include "handoff.h"
#include "idle.h"
#include "message.h"
#include "receive.h"
#include "stats.h"
#include "taken.h"

static_assert(RTE_PKTMBUF_HEADROOM >= FRAME_HEADROOM, "new headers may be longer");

#define ROUNDS 16u // busy rounds between two looks at the control plane
#define TICK_MS 10u // between looks at what is due by time alone

// By ourselves to listen there, or by a program of the host. Replayed allocations have their ports already.
static bool is_taken(const struct worker *w, const struct tp_command *command)
{
	const struct tp_capabilities *caps = w->agent.capabilities;
	struct tp_endpoint relayed = {.port = command->relay_port};
	uint8_t index;

	if (command->relay >= caps->relays ||
		held_has(&w->held, caps, command->relay, command->relay_port))
		return false;
	relayed.ip = caps->relay[command->relay].local;
	return addresses_find(&w->shared->addresses, &relayed, &index) == ADDRESS_SERVER ||
	       taken(&relayed.ip, relayed.port);
}

static enum tp_status apply(void *worker, const struct tp_command *command)
{
	struct worker *w = worker;
	enum tp_status status;

	if (command->kind != TP_PUT_ALLOCATION)
		return relay_apply(w->agent.relay, command, w->agent.now);
	if (is_taken(w, command))
		return TP_STATUS_PORT_TAKEN;
	status = relay_apply(w->agent.relay, command, w->agent.now);
	if (status == TP_STATUS_OK)
		held_set(&w->held,
			tp_owner_index(w->agent.capabilities, command->relay, command->relay_port),
			true);
	return status;
}

static void dropped(void *worker, uint32_t, uint8_t relay, uint16_t port)
{
	struct worker *w = worker;

	held_set(&w->held, tp_owner_index(w->agent.capabilities, relay, port), false);
}

static uint32_t take_destination(void *nexthops, const struct tp_ip *ip)
{
	return nexthops_take(nexthops, ip);
}

static void give_back_destination(void *nexthops, uint32_t destination)
{
	nexthops_give_back(nexthops, destination);
}

int worker_init(struct worker *w, uint32_t index, const struct shared *shared,
	const struct segment *segment)
{
	const struct tp_capabilities *caps = &segment->shared->capabilities;
	const struct agent_ops ops = {
		.apply = apply, .send = message_send, .flush = message_flush, .context = w};
	struct relay_config config = {
		.capabilities = *caps, .secret = {tp_random64(), tp_random64()}};
	struct relay *relay = NULL;
	int err;

	memset(w, 0, sizeof(*w));
	w->shared = shared;
	sem_init(&w->started, 0, 0);
	adjacencies_init(&w->adjacencies, shared->nexthops, w->out, shared->ports);
	w->index = index;
	w->ip_id = (uint16_t)tp_random64();
	w->fragment_id = (uint32_t)tp_random64();
	w->errors.refilled = w->told_at = monotonic_ms();
	share_refill(&w->share, w->told_at);
	for (uint32_t i = 0; i < shared->ports; i++) {
		w->out[i] = (struct out){.device = shared->port[i].id, .queue = (uint16_t)index};
		w->kernel[i] = (struct out){
			.device = shared->port[i].exception, .queue = (uint16_t)index};
	}
	w->held.bits = calloc(held_words(caps), sizeof(uint64_t));
	err = w->held.bits ? defrag_init(&w->defrag) : -ENOMEM;
	if (!err)
		err = relay_create(&relay, &config);
	agent_init(&w->agent, index, segment, &ops);
	w->agent.relay = relay;
	if (err)
		return err;
	relay_on_dropped(relay, dropped, w);
	relay_on_destinations(relay, take_destination, give_back_destination, shared->nexthops);
	return 0;
}

void worker_free(struct worker *w)
{
	for (uint32_t i = 0; i < w->waiting.count; i++)
		rte_pktmbuf_free(w->waiting.frame[i].mbuf);
	for (uint32_t i = 0; i < w->shared->ports; i++)
		rte_pktmbuf_free_bulk(w->kernel[i].mbuf, w->kernel[i].count);
	relay_destroy(w->agent.relay);
	defrag_free(&w->defrag);
	free(w->held.bits);
}

static unsigned int from_wire(struct worker *w, uint8_t port)
{
	struct rte_mbuf *m[RELAY_BURST];
	uint16_t n = rte_eth_rx_burst(w->shared->port[port].id, (uint16_t)w->index, m,
		(uint16_t)w->shared->settings.burst);

	receive(w, m, n, port);
	decide(w);
	return n;
}

static unsigned int from_kernel(struct worker *w, uint8_t port)
{
	struct rte_mbuf *m[RELAY_BURST];
	uint16_t most = share_of_round(w->share.out), n;

	if (!most)
		return 0;
	n = rte_eth_rx_burst(w->shared->port[port].exception, (uint16_t)w->index, m, most);
	w->share.out = (uint16_t)(w->share.out - n);
	for (uint16_t i = 0; i < n; i++)
		out_push(&w->out[port], &w->agent.tally, m[i], OUT_FROM_KERNEL, 0);
	return n;
}

// Returns how many frames wait for their turn.
static unsigned int to_kernel(struct worker *w, uint8_t port)
{
	struct out *o = &w->kernel[port];

	if (likely(!o->count))
		return 0;
	w->share.in = (uint16_t)(w->share.in -
				 out_flush_some(o, &w->agent.tally, share_of_round(w->share.in)));
	return o->count;
}

unsigned int worker_round(struct worker *w)
{
	const struct shared *s = w->shared;
	unsigned int work = 0;

	w->passes = HANDOFF_PASS;
	forward_waiting(w);
	work += handoff_take(w);
	for (uint8_t i = 0; i < s->ports; i++) {
		if (w->index < s->port[i].rx_queues)
			work += from_wire(w, i);
		if (w->index < s->port[i].exception_rx_queues)
			work += from_kernel(w, i);
	}
	for (uint8_t i = 0; i < s->ports; i++) {
		out_flush(&w->out[i], &w->agent.tally);
		work += to_kernel(w, i);
	}
	return work;
}

unsigned int worker_housekeeping(struct worker *w, uint64_t now)
{
	bool tick = now / TICK_MS != w->agent.now / TICK_MS;
	unsigned int records;

	w->agent.now = now;
	share_refill(&w->share, now);
	agent_follow(&w->agent);
	records = agent_run(&w->agent);
	if (tick)
		defrag_expire(w);
	stats_count(w);
	agent_publish(&w->agent);
	return records;
}

unsigned int worker_turn(struct worker *w)
{
	unsigned int work = worker_round(w);

	if (!work || ++w->rounds == ROUNDS) {
		work += worker_housekeeping(w, monotonic_ms());
		w->rounds = 0;
	}
	return work;
}

// A sleep is so short that it needs no doorbell: the rings are looked at after each. So `need`
// stays even, and nobody rings.
static void doze(uint32_t ns)
{
	const struct timespec time = {.tv_nsec = ns};

	if (ns)
		nanosleep(&time, NULL);
}

int worker_run(void *worker)
{
	struct worker *w = worker;
	const struct settings *s = &w->shared->settings;
	struct idle idle;

	capabilities_of_worker();
	idle_init(&idle, s->idle_polls, s->idle_latency);
	prctl(PR_SET_TIMERSLACK, 1000ul);
	sem_post(&w->started);
	while (!atomic_load_explicit(&w->agent.stop, memory_order_relaxed))
		doze(idle_after(&idle, worker_turn(w)));
	return 0;
}
