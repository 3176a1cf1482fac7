// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "violation.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLS 512u // numbers of system calls are below
#define PROGRAM 24u // bytes of its name
#define NAME 24u // and of a call's

// For a signal handler, which finds nothing by itself: written before the filter is installed, then read only.
static char lines[CALLS][PROGRAM + NAME + 128u];

static void end(int, siginfo_t *info, void *)
{
	unsigned int number = (unsigned int)info->si_syscall;
	const char *line = lines[number < CALLS ? number : 0];
	ssize_t n = write(STDERR_FILENO, line, strlen(line));

	(void)n;
	// The signal is not blocked and its action is the default again: it ends the process here.
	raise(SIGSYS);
	_exit(1);
}

int violation_watch(const char *program)
{
	struct sigaction action = {
		.sa_sigaction = end, .sa_flags = SA_SIGINFO | (int)SA_RESETHAND | SA_NODEFER};

	for (unsigned int i = 0; i < CALLS; i++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)i);

		snprintf(lines[i], sizeof(lines[i]),
			"%.*s: the system call %.*s is not on its list: it is ended. "
			"(TURNPIKE_SECCOMP=log lets such calls pass.)\n",
			(int)PROGRAM, program, (int)NAME, name ? name : "(unknown)");
		free(name);
	}
	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}
