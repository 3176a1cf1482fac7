// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "status.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME 15u // bytes that the kernel keeps of a program's name

struct thread {
	char name[64];
	unsigned int user;
	uint64_t capabilities;
	int no_new_privs, seccomp;
};

static bool read_thread(pid_t pid, pid_t thread, struct thread *out)
{
	char path[64], line[256];
	unsigned int fields = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)thread);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		fields += sscanf(line, "Name: %63[^\n]", out->name) == 1;
		fields += sscanf(line, "Uid: %*u %u", &out->user) == 1;
		fields += sscanf(line, "CapPrm: %" SCNx64, &out->capabilities) == 1;
		fields += sscanf(line, "NoNewPrivs: %d", &out->no_new_privs) == 1;
		fields += sscanf(line, "Seccomp: %d", &out->seccomp) == 1;
	}
	fclose(file);
	return fields == 5;
}

static void add_thread(struct confine_status *out, const struct thread *t)
{
	out->capabilities |= t->capabilities;
	out->no_new_privs &= t->no_new_privs == 1;
	out->seccomp &= t->seccomp == 2; // a filter
}

int confine_status(pid_t pid, const char *name, struct confine_status *out)
{
	struct thread t;
	struct dirent *e;
	char path[64];
	DIR *threads;

	if (!read_thread(pid, pid, &t) || strncmp(t.name, name, NAME) != 0)
		return -ESRCH;
	*out = (struct confine_status){.user = t.user, .no_new_privs = true, .seccomp = true};
	add_thread(out, &t);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	threads = opendir(path);
	if (!threads)
		return -ESRCH;
	// One that ended meanwhile counts no more.
	while ((e = readdir(threads)))
		if (read_thread(pid, (pid_t)strtol(e->d_name, NULL, 10), &t))
			add_thread(out, &t);
	closedir(threads);
	return 0;
}

const char *confine_capability_name(unsigned int capability)
{
	return capng_capability_to_name(capability);
}
