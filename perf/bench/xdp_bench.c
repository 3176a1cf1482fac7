// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The XDP program beside a bare one that swaps addresses, over the same pair of virtual Ethernet devices, both
// returning XDP_TX: what part of the bare program's packets a second the relay does, and nanoseconds for a packet
// of the program alone, by the kernel's run-time statistics, less the bare program's.
//
//   xdp_bench [--json] [--allocations N] [--rounds N] [--seconds S] [--packets N]
//
// The two take turns, a run of a million live frames each (--packets); a ratio is of two runs next
// to each other, and what is shown is the ratios' median. Everything happens on one CPU: source,
// subject and sink.

#include <unistd.h>

#include <bpf/bpf.h>

#include "figure.h"
#include "xdp_world.h"

#define FEW 1000u
#define LEAST_PACKETS 100000u

static const uint32_t sizes[] = {64, 250, 1250};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))
#define SIDES 4u
#define FIGURES (2 * 2 * SIZES * SIDES)

static const char *const names[SIZES][2] = {
	{"client to peer, 64 bytes", "peer to client, 64 bytes"},
	{"client to peer, 250 bytes", "peer to client, 250 bytes"},
	{"client to peer, 1250 bytes", "peer to client, 1250 bytes"},
};

// As many rounds as there is time for until then, one in any case. The first warms up and isn't counted.
static void run(struct world *w, unsigned int size, bool from_peer, unsigned int rounds,
	double until_ns, struct figure figure[SIDES])
{
	int statistics;

	for (unsigned int k = 0; k < SIDES; k++)
		figure[k] = (struct figure){
			.what = names[size][from_peer], .flows = w->allocations};
	figure[0].side = "bare";
	figure[1].side = "relay";
	figure[2].side = "ratio";
	figure[2].unit = "of bare";
	figure[2].more = true;
	figure[3].side = "program above bare";
	for (unsigned int i = 0; i <= rounds && (i < 2 || now_ns() < until_ns); i++) {
		double bare = world_run(w, BARE, from_peer, sizes[size]);
		double relay = world_run(w, RELAY, from_peer, sizes[size]);

		if (!i)
			continue;
		figure[0].value[figure[0].n++] = bare;
		figure[1].value[figure[1].n++] = relay;
		figure[2].value[figure[2].n++] = bare / relay;
	}
	statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);
	figure[3].value[figure[3].n++] = world_program_ns(w, RELAY, from_peer, sizes[size]) -
					 world_program_ns(w, BARE, from_peer, sizes[size]);
	if (statistics >= 0)
		close(statistics);
}

// So many packets that each figure gets a warm-up and a round in time, of what was asked for; a call of few costs
// much for each of them, so there are some in any case.
static uint32_t affordable(struct world *w, const struct figure_options *o)
{
	uint32_t most = o->packets ? o->packets : RUN_PACKETS;
	double each, runs = FIGURES / SIDES * 6;

	if (o->seconds <= 0 || most <= LEAST_PACKETS)
		return most;
	w->packets = LEAST_PACKETS;
	each = world_run(w, RELAY, false, sizes[0]);
	if (o->seconds * 1e9 / runs / each >= most)
		return most;
	each = o->seconds * 1e9 / runs / each;
	return each > LEAST_PACKETS ? (uint32_t)each : LEAST_PACKETS;
}

// When the n-th figure has had its share of what time is left.
static double until(const struct figure_options *o, unsigned int n)
{
	double now = now_ns();

	if (o->seconds <= 0)
		return now + 1e18;
	return now + (o->started_ns + o->seconds * 1e9 - now) / (FIGURES / SIDES - n);
}

static void report(struct figure *figure, unsigned int n, bool json)
{
	if (json) {
		figures_report(figure, n, true);
		return;
	}
	for (unsigned int i = 0; i < n; i += SIDES) {
		struct figure *f = &figure[i];

		printf("%-27s %7u allocations", f->what, f->flows);
		for (unsigned int k = 0; k < SIDES; k++)
			printf("   %s %.3f", f[k].side, figure_median(f[k].value, f[k].n));
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	static struct figure figure[FIGURES];
	struct figure_options options;
	struct world world;
	unsigned int n = 0;

	if (!figure_options(argc, argv, "xdp_bench", &options))
		return 2;
	if (options.allocations > 100000)
		options.allocations = 100000;
	if (geteuid() != 0) {
		fprintf(stderr, "xdp_bench: it loads BPF programs and makes a network namespace: "
				"run it as root.\n");
		return 0;
	}
	world_make(&world);
	for (unsigned int many = 0; many < 2; many++) {
		world_populate(&world, many ? options.allocations : FEW);
		if (!many)
			world.packets = affordable(&world, &options);
		for (unsigned int k = 0; k < 2 * SIZES; k++, n += SIDES)
			run(&world, k / 2, k % 2, options.rounds, until(&options, n / SIDES),
				&figure[n]);
		world_clear(&world);
	}
	report(figure, n, options.json);
	xdp_load_bpf__destroy(world.load);
	return 0;
}
