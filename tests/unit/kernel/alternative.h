// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What sockets do in place of what the table of frames (tests/frames/) says: the alternatives that RFC 8656 sections
// 13 and 14 leave to a relay that can't see or set a field, and what a host's kernel keeps to itself.
#pragma once

#include <cases.h>

// An ICMP error of the kernel's own about what came.
struct alternative_answer {
	uint8_t type; // 0: none
	uint8_t code;
	uint32_t data;
};

// A case that is another with sockets.
struct alternative_case {
	const char *name;
	enum case_outcome outcome; // OUTCOME_KERNEL: the dataplane sees nothing of it
	enum tp_counter drop;
	const char *
		counter; // of the kernel, which tells what came of it (snmp.h); NULL: none of this network does
	struct alternative_answer answer;
	struct packet_spec out;
};

struct alternative_cases {
	const struct alternative_case *first;
	uint32_t count;
	const char *why; // all of them
};
#define ALTERNATIVES(why, table) \
	{ \
		table, sizeof(table) / sizeof(table[0]), why \
	}
#define ALTERNATIVE_GROUPS 7u
extern const struct alternative_cases alternative_cases[ALTERNATIVE_GROUPS];

struct alternative {
	struct frame_case c; // the case as it is for sockets
	const char *why; // a sentence; NULL: it is the table's own
	const char *counter;
	// The kernel's, of answers that it had no room to send: all networks of a host share that
	// room, for each CPU. NULL: no answer is due.
	const char *no_answer;
	bool named; // in alternative_cases
};

void alternative_of(struct alternative *out, const struct frame_case *c);

// Puts the case's own values into the fields of a sound frame that sockets can't set, where they have what a kernel
// may set. `in` is the frame that came, `want` what the case says. Returns NULL, or what they should be.
const char *alternative_mask(const struct frame_case *c, struct case_result *got,
	const uint8_t *want, const uint8_t *in);
