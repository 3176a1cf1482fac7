// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The command line: nothing secret, nothing that the control plane decides.
#pragma once

#include <stdio.h>

#include <turnpike/segment.h>
#include <turnpike/wire.h>

struct options {
	const char *link; // path of the control plane's socket
	uint32_t workers; // 1 to TP_WORKERS_MAX
	struct tp_capabilities capabilities; // as they will be published
};

enum options_result {
	OPTIONS_RUN = 0,
	OPTIONS_DONE = 1, // --help or --version has been answered
	OPTIONS_BAD = 2, // a sentence has been written to stderr
};

enum options_result options_parse(struct options *out, int argc, char **argv);

// Writes "192.0.2.1:3478" or "[2001:db8::1]:3478", without the port where it is 0.
#define ENDPOINT_TEXT 56u
const char *endpoint_text(const struct tp_endpoint *endpoint, char out[ENDPOINT_TEXT]);
