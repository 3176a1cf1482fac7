// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

#include <jansson.h>

// Which programs run beside a control socket, as their launcher's file tells, and how each is confined, as the
// kernel does: [{name, pid, confined, seccomp, no_new_privs, user, capabilities}]. NULL: there is no such file, or it
// is not ours to read.
json_t *programs_read(const char *control_socket);
