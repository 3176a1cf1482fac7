// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The runtime directory, which is the control socket's: sockets, lock, the list of running programs.
//
//   control           for turnpikectl           link           for the dataplane
//   launcher.lock     one launcher at a time    launcher.json  what it started
//   credentials.yaml  of the embedded default; stays until reboot
//   dataplane/        a directory of the dataplane's own; stays where it has left something in it
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "../config/config.h"

struct runtime {
	char *directory;
	char *control; // paths
	char *link;
	char *state; // launcher.json
	char *lock;
	char *dataplane;
	int lock_fd;
	int link_fd; // listening sockets and memfds; -1: not there
	int control_fd;
	int vault_fd;
	int config_fd;
};

// Creates the directory (mode 0700) and takes the lock. On failure writes a sentence to stderr and returns
// a negative errno. `control_socket` is an absolute path.
int runtime_open(struct runtime *runtime, const char *control_socket);
// What a new control plane needs: listening sockets and an empty vault. Same errors.
int runtime_create(struct runtime *runtime);
// The configuration as a sealed memfd, readable by whoever gets the descriptor.
int runtime_set_config(struct runtime *runtime, const struct config *config);
// Closes all; `remove` also removes sockets and files, but for the credentials.
void runtime_close(struct runtime *runtime, bool remove);
