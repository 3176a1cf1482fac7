// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admit.h"

static int complain(const char *path, int err)
{
	fprintf(stderr, "turnpike: the owner and mode of %s can't be set: %s.\n", path,
		strerror(-err));
	return err;
}

static int let_in(const char *path, uid_t owner, gid_t group, mode_t mode)
{
	if (chown(path, owner, group) < 0 || chmod(path, mode) < 0)
		return complain(path, -errno);
	return 0;
}

static int make_log_directory(const char *file, const struct confine_identity *control)
{
	char *path = strndup(file, (size_t)(strrchr(file, '/') - file));
	int err = 0;

	if (!path)
		return -ENOMEM;
	// What is there already is the operator's to arrange.
	if (*path && mkdir(path, 0750) == 0)
		err = let_in(path, control->uid, control->gid, 0750);
	free(path);
	return err;
}

// The dataplane's own directory. No link is followed: its user must not come to own what one points to.
static int make_dataplane_directory(const char *path, const struct users *users)
{
	int fd, err = 0;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return complain(path, -errno);
	if (!users->separate)
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return complain(path, -errno);
	if (fchown(fd, users->dataplane.uid, users->dataplane.gid) < 0 || fchmod(fd, 0700) < 0)
		err = complain(path, -errno);
	close(fd);
	return err;
}

int admit(const struct runtime *runtime, const struct users *users, const struct config *config)
{
	int err = make_dataplane_directory(runtime->dataplane, users);

	if (err || !users->separate)
		return err;
	// Root's: a program could otherwise give the sockets to others, or take their names.
	err = let_in(runtime->link, 0, users->dataplane.gid, 0660);
	if (!err)
		err = let_in(runtime->control, 0, users->operators, users->operators ? 0660 : 0600);
	if (!err && config->abuse_log.file)
		err = make_log_directory(config->abuse_log.file, &users->control);
	// To pass through, not to list.
	return err ? err : let_in(runtime->directory, 0, 0, 0711);
}
