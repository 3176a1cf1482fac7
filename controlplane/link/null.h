// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A link to nothing: takes every transaction, and gives its outcome at the next flush. For tests and
// benches, which may look at what passes and decide what becomes of it.
#pragma once

#include "link.h"

struct null_link {
	struct link link;
	struct link_events events;
	// Each transaction, with its reply. Returns the status of its outcome, or a negative errno for
	// submit() to return. NULL: TP_STATUS_OK.
	int (*inspect)(void *context, const struct link_transaction *t);
	void *context;
	struct null_outcome {
		uint64_t id;
		uint32_t status;
		uint32_t failed;
	} * queue;
	uint32_t failed; // of the outcome that inspect() decides on: the command whose status it is
	uint32_t queued;
	uint32_t capacity;
	uint32_t workers; // as told to the server with `attached`
};

// Room for `capacity` outcomes between flushes. Returns 0 or -ENOMEM.
int null_link_create(struct null_link *n, uint32_t capacity);
void null_link_destroy(struct null_link *n);
