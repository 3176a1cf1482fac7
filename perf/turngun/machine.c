// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "machine.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

// What follows "name :" in /proc/cpuinfo.
static void cpuinfo(const char *name, char *out, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[8192];

	*out = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		char *value = strchr(line, ':');

		if (strncmp(line, name, strlen(name)) != 0 || !value)
			continue;
		value += strspn(value, ": ");
		value[strcspn(value, "\n")] = '\0';
		snprintf(out, size, "%s", value);
		break;
	}
	if (file)
		fclose(file);
}

static json_t *machine(const struct options *o)
{
	char cpu[128], flags[8192];
	struct utsname name = {0};

	uname(&name);
	cpuinfo("model name", cpu, sizeof(cpu));
	cpuinfo("flags", flags, sizeof(flags));
	return json_pack("{s:s, s:I, s:i, s:I, s:s, s:s, s:b}", "cpu", cpu, "cpus",
		(json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "cpu_used", o->cpu, "memory_bytes",
		(json_int_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE), "kernel", name.release,
		"kernel_build", name.version, "hypervisor", strstr(flags, " hypervisor") != NULL);
}

json_t *machine_document(const struct options *o, int argc, char **argv, const char *dpdk)
{
	static const char *const commands[] = {"load", "ceiling", "reflect", "gaps"};
	json_t *arguments = json_array();
	time_t now = time(NULL);
	char started[32];
	struct tm utc;

	for (int i = 0; i < argc; i++)
		json_array_append_new(arguments, json_string(argv[i]));
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	return json_pack("{s:s, s:s, s:o, s:s, s:{s:s, s:s?}, s:o}", "schema", SCHEMA, "command",
		commands[o->command], "argv", arguments, "started", started, "versions", "turngun",
		TURNPIKE_VERSION, "dpdk", dpdk, "machine", machine(o));
}

int machine_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}
