// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Starting a program that outlives us. It has a session of its own (Ctrl-C is for the launcher alone) and
// gets descriptors by systemd's convention: from 3 on, named in LISTEN_FDNAMES (sd_listen_fds(3)).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SPAWN_FDS_MAX 4u
#define SPAWN_FD_FIRST 3

struct confine_identity;

struct spawn {
	const char *path;
	char *const *argv;
	int fds[SPAWN_FDS_MAX];
	size_t fds_count;
	const char *fd_names; // colon-separated; NULL without descriptors
	const struct confine_identity *as; // NULL: ourselves
	bool many_descriptors; // raise RLIMIT_NOFILE to its hard limit
};

struct process {
	const char *name; // of its program; NULL where the caller knows
	pid_t pid; // 0: none
	int pidfd;
	uint64_t
		start; // field 22 of /proc/PID/stat: tells the process from a later one with its pid
	int gate; // the new process waits here until process_go(); -1: it runs
};

// Forks. The process waits at the gate, so that it can be written down first: if the launcher dies before
// process_go() it ends without having run. Returns 0 or a negative errno.
int spawn_start(const struct spawn *spawn, struct process *out);
void process_go(struct process *process);

// A live process with this pid, start time and program name. Returns 0 or -ESRCH.
int process_find(pid_t pid, uint64_t start, const char *name, struct process *out);
// 0 when it can't be read.
uint64_t process_start_time(pid_t pid);
void process_signal(const struct process *process, int signal);
// Waits until it has ended, at most `timeout_ms`. Returns whether it has.
bool process_wait(const struct process *process, int timeout_ms);
void process_close(struct process *process);
