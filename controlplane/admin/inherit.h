// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Descriptors handed over by who started us, in systemd's way: LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES.
#pragma once

// The descriptor of this name, close-on-exec from now on, or -1. Call before there are threads.
int inherit_fd(const char *name);
