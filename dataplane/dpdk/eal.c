// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "eal.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include "pools.h"

#define ARGS_MAX ((int)EAL_ARGS_MAX + 24)
#define TEXT_MAX 2048

struct arguments {
	int count;
	char *at[ARGS_MAX + 1];
	char text[TEXT_MAX]; // of those that are made here
	size_t used;
};

static void add(struct arguments *a, const char *text)
{
	size_t size = strlen(text) + 1;

	if (a->count == ARGS_MAX || size > sizeof(a->text) - a->used)
		return;
	a->at[a->count++] = memcpy(a->text + a->used, text, size);
	a->used += size;
}

static bool given(const struct settings *s, const char *const *names)
{
	for (uint32_t i = 0; i < s->eal_args; i++)
		for (const char *const *n = names; *n; n++)
			if (!strncmp(s->eal[i], *n, strlen(*n)))
				return true;
	return false;
}

// The CPUs that the process may use, in order.
static uint32_t cpus(uint16_t *out)
{
	cpu_set_t allowed;
	uint32_t n = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			out[n++] = (uint16_t)cpu;
	return n;
}

// Lcore 0 is the main thread's, worker i's is i + 1. The first CPU is the main thread's, EAL's and
// the kernel's as far as it goes; with fewer CPUs than threads they share.
static void add_lcores(struct arguments *a, uint32_t workers)
{
	uint16_t cpu[CPU_SETSIZE];
	uint32_t n = cpus(cpu);
	char text[1024];
	int used;

	if (!n)
		return;
	used = snprintf(text, sizeof(text), "0@%u", cpu[0]);
	for (uint32_t i = 0; i < workers; i++) {
		uint32_t at = n > workers ? i + 1 : (i + n - 1) % n;

		used += snprintf(
			text + used, sizeof(text) - (size_t)used, ",%u@%u", i + 1, cpu[at]);
	}
	add(a, "--lcores");
	add(a, text);
}

// Threads that EAL starts take the affinity that it finds at its own start.
static void leave_workers_cores(void)
{
	uint16_t cpu[CPU_SETSIZE];
	cpu_set_t first;

	if (!cpus(cpu))
		return;
	CPU_ZERO(&first);
	CPU_SET(cpu[0], &first);
	sched_setaffinity(0, sizeof(first), &first);
}

static bool is_pci(const char *spec)
{
	return spec[strspn(spec, "0123456789abcdefABCDEF")] == ':';
}

static void add_devices(struct arguments *a, const struct settings *s)
{
	bool pci = false;

	for (uint32_t i = 0; i < s->ports; i++)
		pci |= is_pci(s->port[i]);
	if (!pci) {
		add(a, "--no-pci");
		return;
	}
	// Only the ports that were given are probed, one by one: an allow list with nothing on it.
	add(a, "-a");
	add(a, "0000:00:00.0");
}

int eal_start(const struct settings *s)
{
	static const char *const lcores[] = {"-l", "-c", "--lcores", NULL};
	static const char *const memory[] = {"-m", "--socket-mem", NULL};
	static const char *const levels[] = {"--log-level", NULL};
	struct arguments a = {0};
	char megabytes[16];

	add(&a, "turnpike-dpdk");
	add(&a, "--no-telemetry");
	if (s->huge) {
		add(&a, "--in-memory");
	} else {
		add(&a, "--no-huge");
		add(&a, "--no-shconf");
	}
	if (!s->huge && !given(s, memory)) {
		snprintf(megabytes, sizeof(megabytes), "%u", pools_megabytes(s));
		add(&a, "-m");
		add(&a, megabytes);
	}
	if (!given(s, levels))
		add(&a, "--log-level=warning");
	if (!given(s, lcores)) {
		add_lcores(&a, s->common.workers);
		leave_workers_cores();
	}
	add_devices(&a, s);
	for (uint32_t i = 0; i < s->eal_args && a.count < ARGS_MAX; i++)
		a.at[a.count++] = s->eal[i];
	if (rte_eal_init(a.count, a.at) < 0) {
		fprintf(stderr, "turnpike-dpdk: DPDK's environment does not start: %s. %s\n",
			rte_strerror(rte_errno),
			s->huge ? "Are there huge pages (sysctl vm.nr_hugepages)? --no-huge does "
				  "without."
				: "Is there enough memory?");
		return -1;
	}
	if (eal_lcore(s->common.workers - 1) != RTE_MAX_LCORE)
		return 0;
	fprintf(stderr,
		"turnpike-dpdk: EAL has %u lcores besides the main one, and %u workers were asked "
		"for.\n",
		rte_lcore_count() - 1, s->common.workers);
	return -1;
}

unsigned int eal_lcore(uint32_t index)
{
	unsigned int lcore;

	RTE_LCORE_FOREACH_WORKER(lcore)
	if (!index--)
		return lcore;
	return RTE_MAX_LCORE;
}
