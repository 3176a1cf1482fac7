// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher.h"
#include "orphans.h"
#include "state.h"

#define PATIENCE_MS 5000

void orphans_find(struct orphans *orphans, const struct runtime *runtime)
{
	*orphans = (struct orphans){.control.gate = -1, .dataplane.gate = -1};
	if (state_find(runtime->state, CONTROL_NAME, &orphans->control) < 0)
		orphans->control = (struct process){.gate = -1};
	if (state_find(runtime->state, KERNEL_NAME, &orphans->dataplane) < 0 &&
		state_find(runtime->state, DPDK_NAME, &orphans->dataplane) < 0)
		orphans->dataplane = (struct process){.gate = -1};
}

// Whether it listens at this path: what came under that number may be something else by now.
static bool listens_at(int fd, const char *path)
{
	struct sockaddr_un un = {0};
	socklen_t length = sizeof(un), size = sizeof(int);
	int listening = 0;

	return getsockname(fd, (struct sockaddr *)&un, &length) == 0 && un.sun_family == AF_UNIX &&
	       strncmp(un.sun_path, path, sizeof(un.sun_path)) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

static bool is_memfd(int fd)
{
	return fcntl(fd, F_GET_SEALS) >= 0;
}

int orphans_take(const struct orphans *orphans, struct runtime *runtime)
{
	int fds[3], count = 0, err = 0;

	for (; count < 3; count++) {
		fds[count] = (int)syscall(
			SYS_pidfd_getfd, orphans->control.pidfd, SPAWN_FD_FIRST + count, 0);
		if (fds[count] < 0) {
			err = -errno;
			goto fail;
		}
	}
	if (!listens_at(fds[0], runtime->link) || !listens_at(fds[1], runtime->control) ||
		!is_memfd(fds[2])) {
		err = -EBADF;
		goto fail;
	}
	runtime->link_fd = fds[0];
	runtime->control_fd = fds[1];
	runtime->vault_fd = fds[2];
	return 0;
fail:
	while (count--)
		close(fds[count]);
	return err;
}

static void end(struct process *process)
{
	if (!process_wait(process, PATIENCE_MS)) {
		process_signal(process, SIGKILL);
		process_wait(process, -1);
	}
	process_close(process);
}

void orphans_end(struct orphans *orphans)
{
	process_signal(&orphans->control, SIGTERM);
	process_signal(&orphans->dataplane, SIGTERM);
	end(&orphans->control);
	end(&orphans->dataplane);
}
