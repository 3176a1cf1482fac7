// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A dataplane's command line: nothing secret, nothing that the control plane decides. What all
// dataplanes take is here; what one takes besides comes as a table and a function.
#pragma once

#include <stdio.h>

#include <turnpike/segment.h>
#include <turnpike/wire.h>

struct option; // getopt.h
struct options;

// The program whose command line it is.
struct options_program {
	const char *name; // "turnpike-kernel"
	const char *about; // what follows its name on the first line of --help
	const char *more_help; // lines of --help about `more`; NULL: none
	const struct option
		*more; // up to an entry of zeros, `val` from OPTIONS_MORE on; NULL: none
	// One of `more`, with its argument. Returns false after options_refuse().
	bool (*take)(void *context, struct options *options, int option, const char *argument);
	void *context;
};
#define OPTIONS_MORE 256
#define OPTIONS_MORE_MAX 16u // entries of `more`

struct options {
	const struct options_program *program;
	const char *link; // path of the control plane's socket
	uint32_t workers; // 1 to TP_WORKERS_MAX
	struct tp_capabilities capabilities; // as they will be published; name and placement: "", 0
};

enum options_result {
	OPTIONS_RUN = 0,
	OPTIONS_DONE = 1, // --help or --version has been answered
	OPTIONS_BAD = 2, // a sentence has been written to stderr
};

// Reads the command line. Strings in *out are argv's.
enum options_result options_parse(
	struct options *out, const struct options_program *program, int argc, char **argv);

// Writes a sentence to stderr, after the program's name. Returns false.
__attribute__((format(printf, 2, 3))) bool options_refuse(
	const struct options *options, const char *format, ...);

// Reads the argument of --`name`, a number from `min` to `max`. Returns false after
// options_refuse().
bool options_number(const struct options *options, const char *name, const char *text,
	unsigned long min, unsigned long max, uint32_t *out);
