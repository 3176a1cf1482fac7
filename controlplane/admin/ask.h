// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

#include <jansson.h>

#define ASK_ANSWER_MAX (256u << 20) // bytes
#define ASK_TIMEOUT_S 10

// Sends {"command": command} to the control socket and reads one JSON object. Returns it, for the caller
// to release, or NULL after writing a sentence to stderr that says what to do.
json_t *ask(const char *path, const char *command);
// The same over a connected socket, which is closed.
json_t *ask_over(int fd, const char *path, const char *command);
