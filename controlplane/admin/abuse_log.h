// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The abuse log (RFC 8656 section 21.3.2): a line of JSON for each allocation, its end, and each new permission
// and channel, with the time, the user, the client, the relayed address and the peer. No password, key,
// nonce or token is ever in it. A file that has grown to its size becomes FILE.1, that one FILE.2, and so
// on. Lines over the rate, or that can't be written, are counted, and the log itself says how many.
#pragma once

#include "../config/config.h"
#include "../turn/server.h"

struct abuse_log;

// Opens the file, which is appended to. No `file` in the configuration: *out is NULL. Returns 0 or a
// negative errno. `counters` must outlive it.
int abuse_log_open(struct abuse_log **out, const struct config_abuse_log *config,
	struct tp_counters *counters);
// Takes NULL, and writes what is left.
void abuse_log_close(struct abuse_log *log);

// A turn_trace_fn: keeps the line until the next flush.
void abuse_log_trace(void *log, const struct turn_trace *trace);
// Writes what was kept; begins another file where it is due. Takes NULL.
void abuse_log_flush(struct abuse_log *log);
