// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../config/render.h"
#include "runtime.h"

// Makes the directory and its parents; what is there already must be ours alone.
static int make_directory(char *path)
{
	struct stat st;

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			fprintf(stderr, "turnpike: the directory %s can't be made: %s.\n", path,
				strerror(errno));
		*slash = '/';
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		int err = -errno;

		fprintf(stderr, "turnpike: the directory %s can't be made: %s.\n", path,
			strerror(-err));
		return err;
	}
	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022)) {
		fprintf(stderr,
			"turnpike: %s must be a directory of this user that nobody else can write "
			"to; "
			"mend it, or name another `control_socket`.\n",
			path);
		return -EPERM;
	}
	return 0;
}

static int take_lock(struct runtime *runtime)
{
	char pid[32] = {0};

	runtime->lock_fd = open(runtime->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (runtime->lock_fd < 0) {
		int err = -errno;

		fprintf(stderr, "turnpike: %s can't be opened: %s.\n", runtime->lock,
			strerror(-err));
		return err;
	}
	if (flock(runtime->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (read(runtime->lock_fd, pid, sizeof(pid) - 1) < 0)
			pid[0] = 0;
		fprintf(stderr,
			"turnpike: another launcher (pid %s) runs with %s; stop it, or name "
			"another "
			"`control_socket`.\n",
			*pid ? pid : "unknown", runtime->control);
		return -EBUSY;
	}
	if (ftruncate(runtime->lock_fd, 0) < 0 ||
		dprintf(runtime->lock_fd, "%d", (int)getpid()) < 0)
		return -errno;
	return 0;
}

int runtime_open(struct runtime *runtime, const char *control_socket)
{
	const char *slash = strrchr(control_socket, '/');
	int length = (int)(slash - control_socket), err;

	*runtime = (struct runtime){
		.lock_fd = -1, .link_fd = -1, .control_fd = -1, .vault_fd = -1, .config_fd = -1};
	runtime->control = strdup(control_socket);
	runtime->directory = strndup(control_socket, (size_t)length);
	if (asprintf(&runtime->link, "%.*s/link", length, control_socket) < 0)
		runtime->link = NULL;
	if (asprintf(&runtime->state, "%.*s/launcher.json", length, control_socket) < 0)
		runtime->state = NULL;
	if (asprintf(&runtime->lock, "%.*s/launcher.lock", length, control_socket) < 0)
		runtime->lock = NULL;
	if (asprintf(&runtime->dataplane, "%.*s/dataplane", length, control_socket) < 0)
		runtime->dataplane = NULL;
	if (!runtime->control || !runtime->directory || !runtime->link || !runtime->state ||
		!runtime->lock || !runtime->dataplane)
		return -ENOMEM;
	err = make_directory(runtime->directory);
	return err ? err : take_lock(runtime);
}

// A listening UNIX socket with mode 0600. What a dead launcher left there is replaced.
static int listen_at(const char *path, int type)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd, err = 0;
	mode_t old;

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	old = umask(0177);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(fd, 64) < 0)
		err = -errno;
	umask(old);
	if (!err)
		return fd;
	fprintf(stderr, "turnpike: the socket %s can't be made: %s.\n", path, strerror(-err));
	close(fd);
	return err;
}

int runtime_create(struct runtime *runtime)
{
	int err = runtime->link_fd = listen_at(runtime->link, SOCK_SEQPACKET);

	if (err >= 0)
		err = runtime->control_fd = listen_at(runtime->control, SOCK_STREAM);
	if (err < 0)
		return err;
	runtime->vault_fd = memfd_create("turnpike-vault", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return runtime->vault_fd < 0 ? -errno : 0;
}

int runtime_set_config(struct runtime *runtime, const struct config *config)
{
	int fd = memfd_create("turnpike-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	FILE *file;
	int copy, err;

	if (fd < 0)
		return -errno;
	copy = dup(fd);
	file = copy < 0 ? NULL : fdopen(copy, "w");
	if (!file) {
		err = -errno;
		close(fd);
		return err;
	}
	err = config_render(config, file);
	fclose(file);
	if (!err &&
		fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
		err = -errno;
	if (err)
		close(fd);
	else
		runtime->config_fd = fd;
	return err;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void runtime_close(struct runtime *runtime, bool remove)
{
	if (remove) {
		unlink(runtime->link);
		unlink(runtime->control);
		unlink(runtime->state);
		rmdir(runtime->dataplane);
	}
	close_one(&runtime->link_fd);
	close_one(&runtime->control_fd);
	close_one(&runtime->vault_fd);
	close_one(&runtime->config_fd);
	// The lock's file stays: removing it would let two launchers lock two files of one name.
	close_one(&runtime->lock_fd);
	free(runtime->directory);
	free(runtime->control);
	free(runtime->link);
	free(runtime->state);
	free(runtime->lock);
	free(runtime->dataplane);
	*runtime = (struct runtime){
		.lock_fd = -1, .link_fd = -1, .control_fd = -1, .vault_fd = -1, .config_fd = -1};
}
