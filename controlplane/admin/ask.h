// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

#include <jansson.h>

#define ASK_ANSWER_MAX (256u << 20) // bytes
#define ASK_TIMEOUT_S 10

// Sends {"command": command} to the control socket and reads one JSON object; of an answer in several parts,
// all of them made into one. Returns it, for the caller to release, or NULL after writing a sentence to
// stderr that says what to do.
json_t *ask(const char *path, const char *command);
// One part over a connected socket, which is closed: from `cursor` on, 0: the first.
json_t *ask_over(int fd, const char *path, const char *command, json_int_t cursor);
// Adds the lists of `part`, which is released, to those of `whole`. Returns where the next part begins, 0:
// there is none.
json_int_t ask_join(json_t *whole, json_t *part);
