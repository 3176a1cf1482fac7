// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The connection to the control plane (attach.h), by the main thread. Everything else goes on
// without one: established flows are relayed, new ones wait.
#pragma once

#include "agent.h"

enum link_state {
	LINK_DOWN, // no connection; the next attempt is at `due`
	LINK_GREETING, // hello sent; given up at `due`
	LINK_TAKING, // welcomed; the workers are taking over
	LINK_UP,
	LINK_LETTING_GO, // the connection ended; the workers are letting go
};

struct link {
	const char *program; // whose name begins each line on stderr
	const char *path;
	const struct segment *segment;
	struct agent *const *agent; // segment->workers of them
	enum link_state state;
	int sock; // -1: none
	uint64_t due; // CLOCK_MONOTONIC milliseconds
	unsigned int backoff_ms;
	bool told; // that there is no control plane
	struct attachment attachment;
};

// `path`: the control plane's UNIX socket. Everything stays the caller's, until link_free().
void link_init(struct link *link, const char *program, const char *path,
	const struct segment *segment, struct agent *const *agent);

// Does what is due at `now`, CLOCK_MONOTONIC milliseconds. `readable`: poll() says so of link->sock.
void link_step(struct link *link, uint64_t now, bool readable);

// Milliseconds from `now` until link_step() has something to do, at most `most`.
int link_timeout(const struct link *link, uint64_t now, int most);

// Ends the connection when the workers are gone.
void link_free(struct link *link);
