// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <confine.h>

#include "spawn.h"

#define HIGH 32 // above any number that a descriptor is moved to

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

// Moves the descriptors to 3, 4, ... First all out of the way: a target may be another's source.
static bool place_descriptors(const struct spawn *spawn)
{
	int high[SPAWN_FDS_MAX];

	for (size_t i = 0; i < spawn->fds_count; i++) {
		high[i] = fcntl(spawn->fds[i], F_DUPFD_CLOEXEC, HIGH);
		if (high[i] < 0)
			return false;
	}
	// What our own parent left open is not for programs that outlive us.
	if (syscall(SYS_close_range, SPAWN_FD_FIRST, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return false;
	for (size_t i = 0; i < spawn->fds_count; i++)
		if (dup2(high[i], SPAWN_FD_FIRST + (int)i) < 0)
			return false;
	return true;
}

static bool set_environment(const struct spawn *spawn)
{
	char number[32];

	if (!spawn->fds_count)
		return unsetenv("LISTEN_PID") == 0 && unsetenv("LISTEN_FDS") == 0 &&
		       unsetenv("LISTEN_FDNAMES") == 0;
	snprintf(number, sizeof(number), "%d", (int)getpid());
	if (setenv("LISTEN_PID", number, 1) < 0)
		return false;
	snprintf(number, sizeof(number), "%zu", spawn->fds_count);
	return setenv("LISTEN_FDS", number, 1) == 0 &&
	       setenv("LISTEN_FDNAMES", spawn->fd_names, 1) == 0;
}

[[gnu::noreturn]] static void child(const struct spawn *spawn, int gate)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int program = open(spawn->path, O_PATH | O_CLOEXEC);
	struct sigaction normal = {.sa_handler = SIG_DFL};
	sigset_t none;
	char go;

	gate = fcntl(gate, F_DUPFD_CLOEXEC, HIGH);
	program = program < 0 ? program : fcntl(program, F_DUPFD_CLOEXEC, HIGH);
	setsid();
	// SIGPIPE stays ignored: whoever read our output may leave.
	for (int s = 1; s < NSIG; s++)
		if (s != SIGPIPE)
			sigaction(s, &normal, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	if (spawn->many_descriptors)
		raise_descriptors();
	if (gate < 0 || !place_descriptors(spawn) || !set_environment(spawn)) {
		fprintf(stderr, "turnpike: %s could not be prepared: %s.\n", spawn->path,
			strerror(errno));
		_exit(1);
	}
	if (read(gate, &go, 1) != 1)
		_exit(1);
	if (spawn->as) {
		int err = confine_become(spawn->as);

		if (err) {
			fprintf(stderr, "turnpike: %s can't be given a user of its own: %s.\n",
				spawn->path, strerror(-err));
			_exit(1);
		}
	}
	execv(spawn->path, spawn->argv);
	// It may lie where only we can look, such as in somebody's home.
	if (errno == EACCES && spawn->as && program >= 0)
		fexecve(program, spawn->argv, environ);
	fprintf(stderr, "turnpike: %s can't be run: %s.\n", spawn->path, strerror(errno));
	_exit(127);
}

int spawn_start(const struct spawn *spawn, struct process *out)
{
	int gate[2], pidfd, err;
	pid_t pid;

	if (pipe2(gate, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		err = -errno;
		close(gate[0]);
		close(gate[1]);
		return err;
	}
	if (pid == 0) {
		close(gate[1]);
		child(spawn, gate[0]);
	}
	close(gate[0]);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		err = -errno;
		close(gate[1]); // it ends at its gate
		return err;
	}
	*out = (struct process){
		.pid = pid, .pidfd = pidfd, .start = process_start_time(pid), .gate = gate[1]};
	return 0;
}

void process_go(struct process *process)
{
	ssize_t n = write(process->gate, "", 1);

	// A child that died at its gate is seen by its pidfd.
	(void)n;
	close(process->gate);
	process->gate = -1;
}
