// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "gaps.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// Numbers by position on the first line of a file of the kernel's; -1: it isn't there.
static int64_t number_of(const char *path, const char *format)
{
	FILE *file = fopen(path, "re");
	int64_t n = -1;

	if (!file)
		return -1;
	if (fscanf(file, format, &n) != 1)
		n = -1;
	fclose(file);
	return n;
}

static struct gaps_of_kernel ask_kernel(void)
{
	struct rusage usage;
	int64_t stolen = number_of("/proc/stat", "cpu %*u %*u %*u %*u %*u %*u %*u %ld");

	return (struct gaps_of_kernel){
		.involuntary = getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : -1,
		.waited_ns = number_of("/proc/thread-self/schedstat", "%*u %ld"),
		.stolen_ms = stolen < 0 ? -1 : stolen * 1000 / sysconf(_SC_CLK_TCK)};
}

static int64_t since(int64_t before, int64_t now)
{
	return before < 0 || now < 0 ? -1 : now - before;
}

void gaps_begin(struct gaps *g, uint64_t now_ns)
{
	memset(g, 0, sizeof(*g));
	g->kernel = ask_kernel();
	g->begin_ns = g->last_ns = now_ns;
}

void gaps_end(struct gaps *g, uint64_t now_ns)
{
	struct gaps_of_kernel now = ask_kernel();

	g->end_ns = now_ns;
	g->kernel.involuntary = since(g->kernel.involuntary, now.involuntary);
	g->kernel.waited_ns = since(g->kernel.waited_ns, now.waited_ns);
	g->kernel.stolen_ms = since(g->kernel.stolen_ms, now.stolen_ms);
}
