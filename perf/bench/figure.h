// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A figure: nanoseconds for a packet, one value for each round, and how it is shown.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS_MAX 100

struct figure {
	const char *direction;
	uint32_t allocations;
	double ns[ROUNDS_MAX];
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

static inline void figure_report(struct figure *f, bool json, bool last)
{
	double median = figure_median(f->ns, f->n);

	if (json)
		printf("{\"direction\":\"%s\",\"allocations\":%u,\"rounds\":%u,\"ns_min\":%.2f,"
		       "\"ns_median\":%.2f,\"ns_max\":%.2f}%s\n",
			f->direction, f->allocations, f->n, f->ns[0], median, f->ns[f->n - 1],
			last ? "" : ",");
	else
		printf("%-15s %8u allocations   min %6.2f   median %6.2f   max %6.2f ns/packet\n",
			f->direction, f->allocations, f->ns[0], median, f->ns[f->n - 1]);
}

static inline void figures_report(struct figure *figure, unsigned int n, bool json)
{
	if (json)
		printf("[\n");
	for (unsigned int i = 0; i < n; i++)
		figure_report(&figure[i], json, i == n - 1);
	if (json)
		printf("]\n");
}

struct figure_options {
	bool json;
	uint32_t allocations; // of the large table
	unsigned int rounds;
};

// What a bench is called with. Prints how, and returns false, when it is called otherwise.
static inline bool figure_options(int argc, char **argv, const char *name, struct figure_options *o)
{
	*o = (struct figure_options){.allocations = 1000000, .rounds = 10};
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			o->json = true;
		else if (!strcmp(argv[i], "--allocations") && i + 1 < argc)
			o->allocations = (uint32_t)strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
			o->rounds = (unsigned int)strtoul(argv[++i], NULL, 10);
		else
			o->allocations = 0;
	}
	if (o->allocations && o->allocations <= 1u << 20 && o->rounds && o->rounds <= ROUNDS_MAX)
		return true;
	fprintf(stderr, "usage: %s [--json] [--allocations 1..1048576] [--rounds 1..100]\n", name);
	return false;
}
