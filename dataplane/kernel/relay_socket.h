// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Relay sockets: one for each allocation, bound to the relayed transport address, with the worker
// that has the allocation's client; with several, where that one has moved (owners.h).
#pragma once

#include <relay.h>

#include "usual.h"

struct worker;

struct relay_socket {
	int fd; // -1: none
	uint32_t overflow; // datagrams dropped by the kernel, as last told
	uint32_t allocation; // slot that holds it
	uint16_t port;
	uint8_t relay;
	struct usual usual;
};

struct relay_sockets {
	struct relay_socket *at; // by tp_owner_index()
	uint32_t *of; // by allocation: index into `at` + 1, 0: none
};

int relay_sockets_init(struct relay_sockets *s, const struct tp_capabilities *capabilities);
// Lets go of all of them.
void relay_sockets_free(struct worker *w);

// Applies TP_PUT_ALLOCATION: binds the relay port first unless the allocation holds it, and leaves
// no socket behind when the tables refuse.
enum tp_status relay_socket_put(struct worker *w, const struct tp_command *command);

// As relay_on_dropped() wants it: `context` is the worker.
void relay_socket_dropped(void *context, uint32_t allocation, uint8_t relay, uint16_t port);
