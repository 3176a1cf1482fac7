// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inherit.h"

#define FIRST_FD 3

int inherit_fd(const char *name)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	size_t length = strlen(name);

	if (!pid || !count || !names || atol(pid) != getpid())
		return -1;
	for (int i = 0; i < atoi(count); i++) {
		size_t n = strcspn(names, ":");

		if (n == length && !memcmp(names, name, n)) {
			fcntl(FIRST_FD + i, F_SETFD, FD_CLOEXEC);
			return FIRST_FD + i;
		}
		if (!names[n])
			break;
		names += n + 1;
	}
	return -1;
}
