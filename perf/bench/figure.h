// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A figure: one value for each round, and how it is shown; what a bench is called with.
//
// With --json a bench prints an array of
//   {"what": "client to peer", "side": "relay", "flows": 1000, "burst": 32, "unit": "ns/packet",
//    "better": "less", "values": [9.1, 9.3]}
// of which side, flows and burst are left out where they say nothing. All values, in the order of rounds:
// what is made of them is the reader's (perf/harness/).
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS_MAX 100
#define SWEEP_MAX 8u // values of --flows and of --bursts
#define BURST_MAX 128u

struct figure {
	const char *what;
	const char *side; // of a comparison; NULL: none
	const char *unit; // NULL: ns/packet
	uint32_t flows; // 0: none
	uint32_t burst; // 0: none
	bool more; // is better
	double value[ROUNDS_MAX];
	unsigned int n;
};

static inline double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline int figure_ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

// Sorts them.
static inline double figure_median(double *value, unsigned int n)
{
	qsort(value, n, sizeof(*value), figure_ascending);
	return n % 2 ? value[n / 2] : (value[n / 2 - 1] + value[n / 2]) / 2;
}

static inline void figure_json(const struct figure *f, bool last)
{
	printf("{\"what\":\"%s\"", f->what);
	if (f->side)
		printf(",\"side\":\"%s\"", f->side);
	if (f->flows)
		printf(",\"flows\":%u", f->flows);
	if (f->burst)
		printf(",\"burst\":%u", f->burst);
	printf(",\"unit\":\"%s\",\"better\":\"%s\",\"values\":[", f->unit ? f->unit : "ns/packet",
		f->more ? "more" : "less");
	for (unsigned int i = 0; i < f->n; i++)
		printf("%s%.3f", i ? "," : "", f->value[i]);
	printf("]}%s\n", last ? "" : ",");
}

static inline void figure_text(struct figure *f)
{
	double median = figure_median(f->value, f->n);

	printf("%-40s", f->what);
	if (f->flows)
		printf(" %8u flows", f->flows);
	if (f->burst)
		printf(", bursts of %3u", f->burst);
	printf("   min %8.2f   median %8.2f   max %8.2f %s\n", f->value[0], median,
		f->value[f->n - 1], f->unit ? f->unit : "ns/packet");
}

// Those that have a value.
static inline void figures_report(struct figure *figure, unsigned int n, bool json)
{
	while (n && !figure[n - 1].n)
		n--;
	if (json)
		printf("[\n");
	for (unsigned int i = 0; i < n; i++) {
		if (!figure[i].n)
			continue;
		if (json)
			figure_json(&figure[i], i == n - 1);
		else
			figure_text(&figure[i]);
	}
	if (json)
		printf("]\n");
}

struct figure_options {
	bool json;
	uint32_t allocations; // of the large table
	uint32_t packets; // in a run, where the bench has runs; 0: its own choice
	unsigned int rounds;
	double seconds; // after which no further round begins; 0: all of them
	double started_ns, first_round_ns;
	// Of a bench that sweeps: worlds of so many flows, bursts of so many packets.
	uint32_t flows[SWEEP_MAX], bursts[SWEEP_MAX];
	unsigned int flows_count, bursts_count;
};

// Whether round `k` is to be run: the first, 0, warms up, and one after it counts in any case. With
// --seconds no round begins that, being as long as those before it, would end too late.
static inline bool figure_round(struct figure_options *o, unsigned int k)
{
	double now = now_ns();

	if (!k)
		o->first_round_ns = now;
	if (k > o->rounds)
		return false;
	return k < 2 || o->seconds <= 0 ||
	       now + (now - o->first_round_ns) / k <= o->started_ns + o->seconds * 1e9;
}

// Whether, in the midst of round `k`, the time is over: what has been measured is reported, and the rest left
// out. Never while warming up.
static inline bool figure_late(const struct figure_options *o, unsigned int k)
{
	return k && o->seconds > 0 && now_ns() > o->started_ns + o->seconds * 1e9;
}

// "1000,20000": up to SWEEP_MAX numbers from 1 to `most`. Returns how many; 0: not understood. Bursts are
// powers of two, so that they divide the pools.
static inline unsigned int figure_list(
	const char *text, uint32_t out[SWEEP_MAX], uint32_t most, bool bursts)
{
	for (unsigned int n = 0; n < SWEEP_MAX;) {
		char *end;
		unsigned long v = strtoul(text, &end, 10);

		if (end == text || !v || v > most || (bursts && (v & (v - 1))))
			return 0;
		out[n++] = (uint32_t)v;
		if (!*end)
			return n;
		if (*end != ',')
			return 0;
		text = end + 1;
	}
	return 0;
}

static inline bool figure_options_parse(
	int argc, char **argv, const char *name, struct figure_options *o, uint32_t flows_max)
{
	bool good = true;

	*o = (struct figure_options){.allocations = 1000000,
		.rounds = 10,
		.started_ns = now_ns(),
		.flows = {1000, 1000000},
		.flows_count = 2,
		.bursts = {32},
		.bursts_count = 1};
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			o->json = true;
		else if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
			o->rounds = (unsigned int)strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--seconds") && i + 1 < argc)
			o->seconds = strtod(argv[++i], NULL);
		else if (!flows_max && !strcmp(argv[i], "--allocations") && i + 1 < argc)
			o->allocations = (uint32_t)strtoul(argv[++i], NULL, 10);
		else if (!flows_max && !strcmp(argv[i], "--packets") && i + 1 < argc)
			o->packets = (uint32_t)strtoul(argv[++i], NULL, 10);
		else if (flows_max && !strcmp(argv[i], "--flows") && i + 1 < argc)
			good &= (o->flows_count = figure_list(
					 argv[++i], o->flows, flows_max, false)) > 0;
		else if (flows_max && !strcmp(argv[i], "--bursts") && i + 1 < argc)
			good &= (o->bursts_count = figure_list(
					 argv[++i], o->bursts, BURST_MAX, true)) > 0;
		else
			good = false;
	}
	if (good && o->allocations && o->allocations <= 1u << 20 && o->rounds &&
		o->rounds <= ROUNDS_MAX)
		return true;
	fprintf(stderr, "usage: %s [--json] [--rounds 1..100] [--seconds S]", name);
	if (flows_max)
		fprintf(stderr,
			" [--flows N,..., each 1..%u]"
			" [--bursts N,..., powers of two up to %u]\n",
			flows_max, BURST_MAX);
	else
		fprintf(stderr, " [--allocations 1..1048576]\n");
	return false;
}

// What a bench is called with. Prints how, and returns false, when it is called otherwise.
static inline bool figure_options(int argc, char **argv, const char *name, struct figure_options *o)
{
	return figure_options_parse(argc, argv, name, o, 0);
}

// The same for a bench that sweeps, over up to `flows_max` flows.
static inline bool figure_options_sweep(
	int argc, char **argv, const char *name, struct figure_options *o, uint32_t flows_max)
{
	return figure_options_parse(argc, argv, name, o, flows_max);
}
