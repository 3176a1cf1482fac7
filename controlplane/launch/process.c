// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spawn.h"

uint64_t process_start_time(pid_t pid)
{
	char path[64], line[1024];
	unsigned long long start = 0;
	const char *after;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	// The name in parentheses may hold anything: fields are counted from its last ')'.
	if (fgets(line, sizeof(line), file) && (after = strrchr(line, ')')))
		if (sscanf(after + 1,
			    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			    "%*d "
			    "%*d %llu",
			    &start) != 1)
			start = 0;
	fclose(file);
	return start;
}

// By the command line, which anybody may read: to follow /proc/PID/exe of another user's process, or of one
// that hides (confine.h), takes CAP_SYS_PTRACE.
static bool runs(pid_t pid, const char *name)
{
	char path[64], line[4096] = "";
	const char *slash;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	line[fread(line, 1, sizeof(line) - 1, file)] = 0;
	fclose(file);
	slash = strrchr(line, '/');
	return strcmp(slash ? slash + 1 : line, name) == 0;
}

int process_find(pid_t pid, uint64_t start, const char *name, struct process *out)
{
	int pidfd;

	if (pid <= 0 || !start)
		return -ESRCH;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -ESRCH;
	*out = (struct process){
		.name = name, .pid = pid, .pidfd = pidfd, .start = start, .gate = -1};
	// Checked after the pidfd is held: from here on the pid can't become another's unnoticed.
	if (process_start_time(pid) == start && runs(pid, name) && !process_wait(out, 0))
		return 0;
	process_close(out);
	return -ESRCH;
}

void process_signal(const struct process *process, int signal)
{
	if (process->pid)
		syscall(SYS_pidfd_send_signal, process->pidfd, signal, NULL, 0);
}

bool process_wait(const struct process *process, int timeout_ms)
{
	struct pollfd p = {.fd = process->pidfd, .events = POLLIN};

	return !process->pid || poll(&p, 1, timeout_ms) == 1;
}

void process_close(struct process *process)
{
	if (process->gate >= 0)
		close(process->gate);
	if (process->pid)
		close(process->pidfd);
	*process = (struct process){.gate = -1};
}
