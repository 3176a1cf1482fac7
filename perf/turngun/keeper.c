// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "keeper.h"

#include <errno.h>

#include "gaps.h"

#define LOOK_NS 10000000ull // between looks at what is to be sent again
#define CATCH_UP_NS 2000000000ull

int keeper_begin(
	struct keeper *k, struct wire *w, struct population *p, struct credentials *c, uint64_t now)
{
	*k = (struct keeper){.wire = w,
		.clients = p->clients,
		.count = p->clients + p->flows,
		.period_ns = (uint64_t)(p->options->refresh * 1e9),
		.begin_ns = now,
		.look_ns = now};
	k->setup = setup_new(&k->result, w, p, c, KEEPER_SLOTS);
	return k->setup ? 0 : -ENOMEM;
}

void keeper_end(struct keeper *k)
{
	setup_free(k->setup);
	k->setup = NULL;
}

// How many should have been asked for by now, in this period.
static uint32_t due(const struct keeper *k, uint64_t now)
{
	uint64_t elapsed = now - k->begin_ns;

	return elapsed < k->period_ns
		       ? (uint32_t)((double)elapsed / (double)k->period_ns * k->count)
		       : k->count;
}

// A wire's trouble is the load's to tell: what could not be asked for is asked for in the next period.
static void ask(struct keeper *k, uint64_t now)
{
	bool client = k->next < k->clients;

	setup_ask(k->setup, client ? TASK_REFRESH : TASK_BIND,
		client ? k->next : k->next - k->clients, now);
	k->next++;
}

void keeper_step(struct keeper *k, uint64_t now)
{
	if (now - k->look_ns > LOOK_NS) {
		setup_again(k->setup, now);
		k->look_ns = now;
	}
	while (k->next < due(k, now) && !setup_full(k->setup))
		ask(k, now);
	if (k->next < k->count)
		return;
	k->next = 0;
	// What was late stays in its place in the period.
	k->begin_ns += k->period_ns;
	if (now - k->begin_ns >= k->period_ns)
		k->begin_ns = now;
}

bool keeper_take(struct keeper *k, const struct arrival *a, uint64_t now)
{
	return setup_take(k->setup, a, now);
}

void keeper_catch_up(struct keeper *k)
{
	uint64_t begin = clock_ns(), now = begin;
	struct arrival arrivals[WIRE_BURST];
	bool more;

	while ((!setup_idle(k->setup) || k->next < due(k, now)) && now - begin < CATCH_UP_NS) {
		uint32_t n = k->wire->ops->receive(k->wire, arrivals, &more);

		for (uint32_t i = 0; i < n; i++)
			keeper_take(k, &arrivals[i], now);
		k->wire->ops->release(k->wire, arrivals, n);
		now = clock_ns();
		keeper_step(k, now);
	}
}
