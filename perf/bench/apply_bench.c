// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Nanoseconds for a command in dataplane/relay/, by kind, where so many allocations come and go: what a
// worker spends on them between bursts. Slots are taken in an order drawn at random, as they are after a
// while, so that with many allocations no line is warm.
//
//   apply_bench [--json] [--rounds N] [--seconds S] [--flows N,...]

#include <string.h>

#include "figure.h"
#include "population.h"

#define SOME 20000u // commands of a kind in a round, at most

static const struct {
	uint32_t kind;
	const char *name;
} step[] = {
	{TP_PUT_ALLOCATION, "put an allocation"},
	{TP_PUT_PERMISSION, "put a permission"},
	{TP_PUT_CHANNEL, "put a channel"},
	{TP_DROP_ALLOCATION, "drop an allocation"},
};

#define STEPS (sizeof(step) / sizeof(step[0]))

struct scene {
	struct relay *relay;
	uint32_t allocations;
	uint32_t some;
	uint32_t *slot; // all, in an order drawn at random
};

static void fail(const char *what)
{
	fprintf(stderr, "apply_bench: %s\n", what);
	exit(1);
}

static struct tp_command command(uint32_t i)
{
	return (struct tp_command){
		.allocation = i,
		.expires_ms = 600000,
		.relay = (uint8_t)(i % RELAYS),
		.relay_port = relay_of(i).port,
		.client = client_of(i),
		.peer = peer_of(i),
		.channel = TP_CHANNEL_MIN,
	};
}

// Nanoseconds for each of `some` commands, which are made before the clock starts.
static double run(const struct scene *s, const uint32_t *slot, uint32_t kind)
{
	static struct tp_command made[SOME];
	double start;

	for (uint32_t k = 0; k < s->some; k++) {
		made[k] = command(slot[k]);
		made[k].kind = kind;
	}
	start = now_ns();
	for (uint32_t k = 0; k < s->some; k++)
		if (relay_apply(s->relay, &made[k], 0) != TP_STATUS_OK)
			fail("a command failed");
	return (now_ns() - start) / s->some;
}

static void scene_init(struct scene *s, uint32_t allocations)
{
	s->relay = populated_relay(allocations);
	s->allocations = allocations;
	s->some = allocations < SOME ? allocations : SOME;
	s->slot = take(allocations, sizeof(*s->slot));
	for (uint32_t i = 0; i < allocations; i++)
		s->slot[i] = i;
	for (uint32_t i = allocations - 1; i; i--) {
		uint32_t k = draw(i + 1), other = s->slot[k];

		s->slot[k] = s->slot[i];
		s->slot[i] = other;
	}
}

// Some go, and come again; the tables are as full after it as before.
static void round_of(const struct scene *s, struct figure figure[STEPS], bool count)
{
	const uint32_t *slot = s->slot + draw(s->allocations - s->some + 1);
	double ns[STEPS];

	ns[STEPS - 1] = run(s, slot, TP_DROP_ALLOCATION);
	for (unsigned int i = 0; i < STEPS - 1; i++)
		ns[i] = run(s, slot, step[i].kind);
	for (unsigned int i = 0; count && i < STEPS; i++)
		figure[i].value[figure[i].n++] = ns[i];
}

int main(int argc, char **argv)
{
	static struct figure figure[SWEEP_MAX * STEPS];
	static struct scene scene[SWEEP_MAX];
	struct figure_options o;

	if (!figure_options_sweep(argc, argv, "apply_bench", &o, ALLOCATIONS_MAX))
		return 2;
	fprintf(stderr, "apply_bench: filling the tables\n");
	for (unsigned int i = 0; i < o.flows_count; i++) {
		scene_init(&scene[i], o.flows[i]);
		for (unsigned int k = 0; k < STEPS; k++)
			figure[i * STEPS + k] = (struct figure){
				.what = step[k].name, .flows = o.flows[i], .unit = "ns/command"};
	}
	// The first round warms up and isn't counted.
	for (unsigned int k = 0; figure_round(&o, k); k++)
		for (unsigned int i = 0; i < o.flows_count; i++)
			round_of(&scene[i], &figure[i * STEPS], k > 0);
	figures_report(figure, o.flows_count * STEPS, o.json);
	for (unsigned int i = 0; i < o.flows_count; i++) {
		relay_destroy(scene[i].relay);
		free(scene[i].slot);
	}
	return 0;
}
