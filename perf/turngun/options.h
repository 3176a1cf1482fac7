// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What turngun is asked for.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "sizes.h"

enum command {
	COMMAND_LOAD,
	COMMAND_CEILING,
	COMMAND_REFLECT,
	COMMAND_GAPS,
};

// Addresses in a row from `first`, each with ports in a row from its port. The n-th transport address is
// that of address n % addresses.
struct range {
	struct tp_endpoint first;
	uint32_t addresses;
};

struct tp_endpoint range_at(const struct range *r, uint32_t n);
// Whether one of the addresses is `ip`.
bool range_has(const struct range *r, const struct tp_ip *ip);

enum direction {
	DIRECTION_TO_PEER = 1,
	DIRECTION_TO_CLIENT = 2,
	DIRECTION_BOTH = 3,
};

// What one measurement is to be like.
struct trial {
	uint64_t rate; // packets a second over all streams; 0: as many as the wire takes
	double seconds;
	uint8_t direction; // enum direction: of flows that are no hairpin
	struct sizes sizes;
};

struct options {
	enum command command;
	const char *wire;
	struct tp_endpoint server;
	struct tp_ip gateway; // 0 in all bytes: the server and its relayed addresses are neighbours
	struct range clients_from;
	struct range peers_from;
	uint32_t clients;
	uint32_t peers;
	uint32_t channels; // flows of a client
	double indications; // share of flows that have no channel
	double hairpin; // share of clients that talk to each other
	struct trial trial;
	double warm_up; // seconds
	uint32_t window; // transactions under way
	const char *user;
	const char *password_file; // NULL: TURNGUN_PASSWORD
	int cpu; // -1: where it runs
	bool forever; // no --seconds was given
	bool trials; // to be read from stdin
	double refresh; // seconds in which everything is asked for again
	bool keep; // the allocations
	bool json;
	int eal_argc; // what follows "--"
	char **eal_argv;
};

// Returns 0; 1: help was wanted, and shown; -EINVAL: it can't be understood, stderr says what.
int options_parse(struct options *o, int argc, char **argv);

// One line of words like "rate=100000 seconds=1 sizes=160 direction=to-peer"; what is not named stays.
// Returns 0, or -EINVAL: stderr says what.
int trial_parse(struct trial *t, char *line);
