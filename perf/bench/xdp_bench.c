// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The XDP program beside a bare one that swaps addresses, over the same pair of virtual Ethernet devices, both
// returning XDP_TX: what part of the bare program's packets a second the relay does, and nanoseconds for a packet
// of the program alone, by the kernel's run-time statistics, less the bare program's.
//
//   xdp_bench [--json] [--allocations N] [--rounds N]
//
// The two take turns, a run of a million live frames each; a ratio is of two runs next to each other, and what is
// shown is the ratios' median. Everything happens on one CPU: source, subject and sink.

#include <unistd.h>

#include <bpf/bpf.h>

#include "figure.h"
#include "xdp_world.h"

#define FEW 1000u

static const uint32_t sizes[] = {64, 250, 1250};

static void run(struct world *w, bool from_peer, uint32_t size, const struct figure_options *o)
{
	double ratio[ROUNDS_MAX], bare[ROUNDS_MAX], relay[ROUNDS_MAX], program;
	int statistics;

	for (unsigned int i = 0; i < o->rounds; i++) {
		bare[i] = world_run(w, BARE, from_peer, size);
		relay[i] = world_run(w, RELAY, from_peer, size);
		ratio[i] = bare[i] / relay[i];
	}
	statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);
	program = world_program_ns(w, RELAY, from_peer, size) -
		  world_program_ns(w, BARE, from_peer, size);
	if (statistics >= 0)
		close(statistics);
	printf(o->json ? "{\"direction\":\"%s\",\"allocations\":%u,\"bytes\":%u,\"ratio\":%.3f,"
			 "\"bare_ns\":%.1f,\"relay_ns\":%.1f,\"program_ns\":%.1f}\n"
		       : "%-14s %7u allocations %5u bytes   ratio %.3f   bare %6.1f   relay %6.1f  "
			 " "
			 "program above bare %6.1f ns/packet\n",
		from_peer ? "peer to client" : "client to peer", w->allocations, size,
		figure_median(ratio, o->rounds), figure_median(bare, o->rounds),
		figure_median(relay, o->rounds), program);
}

int main(int argc, char **argv)
{
	struct figure_options options;
	struct world world;

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
		for (unsigned int k = 0; k < 2 * sizeof(sizes) / sizeof(sizes[0]); k++)
			run(&world, k % 2, sizes[k / 2], &options);
		world_clear(&world);
	}
	xdp_load_bpf__destroy(world.load);
	return 0;
}
