// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The main thread, once the workers run: heartbeats and the link, until a signal ends it.
#pragma once

#include "link.h"

// Blocks SIGTERM and SIGINT in the calling thread and every thread that it starts from now on.
// Returns a descriptor that tells them, the caller's, or a negative errno.
int serve_signals(void);

// Runs until one of those signals comes. `beat` is called with each heartbeat, twenty times a second at
// least; NULL: nothing to do.
void serve(struct segment *segment, struct link *link, int signals, void (*beat)(void *context),
	void *context);
