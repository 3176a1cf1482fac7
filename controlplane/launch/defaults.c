// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../config/host.h"
#include "defaults.h"

// Writes 2 * `bytes` hex digits and a NUL.
static int random_hex(char *out, size_t bytes)
{
	uint8_t raw[16];

	if (getrandom(raw, bytes, 0) != (ssize_t)bytes)
		return -EIO;
	for (size_t i = 0; i < bytes; i++)
		snprintf(out + 2 * i, 3, "%02x", raw[i]);
	explicit_bzero(raw, sizeof(raw));
	return 0;
}

static int write_credentials(const char *path)
{
	char name[9], password[33], secret[33];
	int fd, err = 0;

	if (random_hex(name, 4) < 0 || random_hex(password, 16) < 0 || random_hex(secret, 16) < 0)
		return -EIO;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (dprintf(fd,
		    "# Made by turnpike run, which has no configuration file; gone after a "
		    "reboot.\n"
		    "users:\n- name: \"user-%s\"\n  password: \"%s\"\nsecrets:\n- \"%s\"\n",
		    name, password, secret) < 0) {
		err = -errno;
		unlink(path);
	}
	close(fd);
	explicit_bzero(password, sizeof(password));
	explicit_bzero(secret, sizeof(secret));
	return err;
}

int defaults_load(struct config **out, const char *directory)
{
	char *path;
	int err;

	*out = NULL;
	if (asprintf(&path, "%s/credentials.yaml", directory) < 0)
		return -ENOMEM;
	err = access(path, F_OK) == 0 ? 0 : write_credentials(path);
	if (err)
		fprintf(stderr, "turnpike: %s can't be written: %s.\n", path, strerror(-err));
	else
		err = config_load(out, path, stderr);
	free(path);
	return err;
}

char *defaults_control_socket(void)
{
	struct host *host = malloc(sizeof(*host));
	char *path = NULL;

	if (host) {
		host_read(host);
		if (asprintf(&path, "%s/control", host->runtime) < 0)
			path = NULL;
	}
	free(host);
	return path;
}
