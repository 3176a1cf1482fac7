// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Listening sockets: for each server address a reuseport group with a socket for each worker.
#pragma once

#include <turnpike/segment.h>

// Binds a group at `server` and steers it. Writes `workers` descriptors, the caller's from now on.
// Returns 0, or a negative errno and nothing is left behind; -EADDRINUSE: another program is there.
int listener_open(const struct tp_endpoint *server, uint32_t workers, int *out);
