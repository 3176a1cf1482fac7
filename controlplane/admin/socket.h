// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The control socket: one line of JSON in, one JSON object out. A UNIX socket of mode 0600.
#pragma once

#include <jansson.h>
#include <uv.h>

#define SOCKET_CLIENTS_MAX 16 // at once; for one more the oldest is hung up on
#define SOCKET_REQUEST_MAX 1024 // bytes

struct admin_socket;

// Answers one request (NULL: it is no JSON); the reference is the socket's from then on. NULL: no memory.
typedef json_t *admin_answer_fn(void *context, const json_t *request);

// Listens on `fd`, a listening socket that is the loop's from now on. Returns 0 or a negative errno.
int admin_socket_open(
	struct admin_socket **out, uv_loop_t *loop, int fd, admin_answer_fn *answer, void *context);
void admin_socket_close(struct admin_socket *s);
